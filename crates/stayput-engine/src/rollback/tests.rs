use std::collections::BTreeSet;

use jiff::Timestamp;
use stayput_ledger::MemoryLedger;
use stayput_ledger::Who;
use stayput_plan::StepId;
use stayput_world::aws::TgwTarget;

use super::*;

fn moves(networks: &[&str], canary: Option<&str>) -> Goal {
    Goal::Move {
        networks: networks.iter().map(|name| (*name).into()).collect(),
        canaries: canary.map(str::to_owned).into_iter().collect(),
        leave_out: BTreeSet::new(),
    }
}

fn cutover(machine: &str) -> Action {
    Action::Cutover {
        site: "tokyo".into(),
        move_plan: "plan".to_owned(),
        machine: machine.into(),
    }
}

fn route(to: Option<&str>) -> Action {
    Action::TgwRoute {
        region: "ap-northeast-1".into(),
        table: "tgw-rtb-1".into(),
        cidr: "172.30.1.0/24".parse().unwrap(),
        from: None,
        to: to.map(|id| TgwTarget::Attachment(id.into())),
    }
}

/// A ledger with runs, the clock standing still.
#[derive(Default)]
struct Runs(MemoryLedger);

impl Runs {
    /// A run to a goal with these steps done: actions and what undoes them.
    async fn run(&self, id: &str, goal: &Goal, steps: &[(Action, Option<Action>)]) -> Run {
        let (at, who) = (Timestamp::UNIX_EPOCH, Who::from("kim"));
        let run = self.0.open_run(goal, &id.into(), &who, at).await.unwrap();
        for (action, inverse) in steps {
            let intent = serde_json::json!({"action": action, "inverse": inverse});
            let step = StepId(format!("{action:?}").into());
            let attempt = self.0.begin_attempt(&run.id, &step, &who, &intent, at);
            let sequence = attempt.await.unwrap().sequence;
            self.0.conclude(sequence, &Outcome::Done, at).await.unwrap();
        }
        run
    }

    async fn reached(&self, run: &Run) {
        let at = Timestamp::UNIX_EPOCH;
        self.0.close_run(&run.id, at).await.unwrap();
    }

    async fn abandoned(&self, run: &Run) {
        let (at, who) = (Timestamp::UNIX_EPOCH, Who::from("kim"));
        self.0.abandon_run(&run.id, at, &who, "").await.unwrap();
    }

    async fn machines(&self, run: &Run) -> Vec<String> {
        let goal = rollback_goal(&self.0, run).await.unwrap();
        let Goal::Rollback { did, .. } = goal else {
            panic!("{goal}")
        };
        did.machines.keys().map(ToString::to_string).collect()
    }

    async fn refused(&self, run: &Run) -> NotUndone {
        match rollback_goal(&self.0, run).await.unwrap_err() {
            EngineError::Obstacles(obstacles) => match obstacles.as_slice() {
                [Obstacle::NotUndone { why, .. }] => NotUndone::clone(why),
                other => panic!("{other:?}"),
            },
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn unfinished_moves_before_a_run_are_taken_back_with_it() {
    let runs = Runs::default();
    let canary = moves(&["app"], Some("web"));
    let canary = runs.run("1", &canary, &[(cutover("i-web"), None)]).await;
    runs.reached(&canary).await;
    let killed = moves(&["app"], None);
    let old = (route(Some("nc2")), Some(route(Some("ec2"))));
    let killed = runs
        .run("2", &killed, &[(cutover("i-api"), None), old])
        .await;
    runs.abandoned(&killed).await;
    let again = (route(Some("nc2")), Some(route(Some("nc2"))));
    let whole = moves(&["app", "db"], None);
    let whole = runs
        .run("3", &whole, &[(cutover("i-db"), None), again])
        .await;
    assert_eq!(runs.machines(&whole).await, ["i-api", "i-db"]);
    let Goal::Rollback { did, .. } = rollback_goal(&runs.0, &whole).await.unwrap() else {
        panic!("no rollback")
    };
    let ec2 = Some(TgwTarget::Attachment("ec2".into()));
    assert_eq!(did.routes[0].before, ec2);
    // The same run gives the same goal.
    let twice = rollback_goal(&runs.0, &whole).await.unwrap();
    assert_eq!(twice, rollback_goal(&runs.0, &whole).await.unwrap());
}

#[tokio::test]
async fn a_move_takes_over_what_a_rollback_that_was_cut_short_has_left() {
    let runs = Runs::default();
    let goal = moves(&["app"], None);
    let routed = [
        (cutover("i-1"), None),
        (route(Some("a")), Some(route(None))),
    ];
    let first = runs.run("first", &goal, &routed).await;
    runs.reached(&first).await;
    let back = rollback_goal(&runs.0, &first).await.unwrap();
    let nothing_done = runs.run("back", &back, &[]).await;
    runs.abandoned(&nothing_done).await;
    // The route still leads to the site, so that the second move has none to write.
    let second = runs.run("second", &goal, &[(cutover("i-1"), None)]).await;
    runs.reached(&second).await;
    let Goal::Rollback { did, .. } = rollback_goal(&runs.0, &second).await.unwrap() else {
        panic!("no rollback");
    };
    assert!(did.routes.is_empty(), "the first move stays as it is");

    let cut_short = runs.run("again", &back, &[(cutover("i-1"), None)]).await;
    runs.abandoned(&cut_short).await;
    let Goal::Rollback { did, .. } = rollback_goal(&runs.0, &second).await.unwrap() else {
        panic!("no rollback");
    };
    let Goal::Rollback { did: of_first, .. } = back else {
        panic!("no rollback");
    };
    assert_eq!(did.routes, of_first.routes);
    assert!(!did.routes.is_empty());
}

#[tokio::test]
async fn a_later_run_is_in_the_way_until_it_is_rolled_back_itself() {
    let runs = Runs::default();
    let first = moves(&["app"], Some("web"));
    let first = runs.run("1", &first, &[(cutover("i-web"), None)]).await;
    runs.reached(&first).await;
    // What was begun and did nothing blocks nothing, nor does a run of another network.
    runs.run("2", &moves(&["app"], Some("api")), &[]).await;
    let other = moves(&["db"], None);
    runs.run("3", &other, &[(cutover("i-db"), None)]).await;
    assert_eq!(runs.machines(&first).await, ["i-web"]);

    let later = moves(&["app", "db"], None);
    let later = runs.run("4", &later, &[(cutover("i-api"), None)]).await;
    let why = runs.refused(&first).await;
    assert!(
        matches!(&why, NotUndone::LaterRun { later, .. } if later.as_str() == "4"),
        "{why:?}"
    );
    let back = rollback_goal(&runs.0, &later).await.unwrap();
    let back = runs.run("5", &back, &[]).await;
    assert!(matches!(
        runs.refused(&first).await,
        NotUndone::LaterRun { .. }
    ));
    runs.reached(&back).await;
    assert_eq!(runs.machines(&first).await, ["i-web"]);
    let why = runs.refused(&back).await;
    assert!(matches!(why, NotUndone::IsRollback { .. }), "{why:?}");
}

#[tokio::test]
async fn a_journal_that_this_build_cannot_read_is_not_taken_back_in_part() {
    let runs = Runs::default();
    let run = runs.run("1", &moves(&["app"], None), &[]).await;
    let (at, who) = (Timestamp::UNIX_EPOCH, Who::from("kim"));
    let intent = serde_json::json!({"action": {"do": "something-new"}});
    let step = StepId("new".into());
    let begun = runs.0.begin_attempt(&run.id, &step, &who, &intent, at);
    let attempt = begun.await.unwrap();
    assert_eq!(attempt.number, 1);
    let error = rollback_goal(&runs.0, &run).await.unwrap_err();
    assert!(
        matches!(error, EngineError::Ledger(LedgerError::Row { .. })),
        "{error}"
    );
}
