"""The ledger in a table of a DynamoDB by people who do not know this project."""

import concurrent.futures

WORKERS = 8
TURNS = 3
HELD = 5


def test_a_table_is_created_once_and_holds_what_is_captured(host):
    first, second = host(), host()
    assert first.run("status").code == 1
    assert first.run("ledger", "init").json["created"] is True
    assert second.run("ledger", "init").json["created"] is False
    assert first.run("capture").code == 0
    verified = second.run("ledger", "verify")
    assert verified.code == 0, verified.err
    assert verified.json["machines"] == 12


def test_of_eight_workers_one_writes_at_a_time_and_nothing_is_lost(host):
    first = host()
    first.run("ledger", "init")
    assert first.run("capture").code == 0
    before = first.run("ledger", "verify").json["records"]
    machines = [machine["instance_id"] for machine in first.run("status", "--all").json["machines"]]
    hosts = [host() for _ in range(WORKERS)]

    def work(number):
        answers = []
        for turn in range(TURNS):
            state = "running" if turn % 2 else "off"
            answers.append(hosts[number].run("expect", machines[number], state))
        return answers

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        answers = [answer for worker in pool.map(work, range(WORKERS)) for answer in worker]
    assert {answer.code for answer in answers} <= {0, HELD}, [answer.err for answer in answers]
    written = sum(answer.json["changed"] for answer in answers if answer.code == 0)
    assert written > 0
    verified = first.run("ledger", "verify")
    assert verified.code == 0, verified.err
    assert verified.json["records"] == before + written


def test_a_killed_worker_is_followed_by_the_next(host):
    first, second = host(), host()
    first.run("ledger", "init")
    process = first.start("apply", "move", "app", "db", "--yes")
    # Until it holds the lease: another one is refused then.
    while second.run("capture").code != HELD:
        assert process.poll() is None, process.communicate()
    process.kill()
    process.wait()
    done = second.run("apply", "move", "app", "db", "--yes")
    assert done.code == 0, done.err
    status = second.run("status", "--all").json
    assert all(machine["site"] == "tokyo" for machine in status["machines"])
    assert second.run("ledger", "verify").code == 0
