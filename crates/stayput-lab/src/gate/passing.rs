//! What becomes of one request that has reached the lab, as its verdict says.

use super::Exchange;
use super::Lab;
use super::Service;
use super::handle;
use super::is_down;
use crate::faults;
use crate::faults::Applied;
use crate::faults::Call;
use crate::faults::CallKind;
use crate::faults::Connection;
use crate::faults::Effect;
use crate::faults::RuleId;
use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;

/// One request at the gate.
#[derive(Clone, Copy)]
pub(super) struct Passing<'a> {
    /// The lab.
    pub(super) gate: &'a Lab,
    /// The service it is for.
    pub(super) service: Service,
    /// What it calls.
    pub(super) call: &'a Call,
    /// The request.
    pub(super) request: &'a Request,
}

impl Passing<'_> {
    /// Applies what was decided about the request.
    pub(super) fn apply(self, lab: &mut LabState, effect: Option<(RuleId, Effect)>) -> Exchange {
        let Some((rule, effect)) = effect else {
            return Exchange::Answer(self.handle(lab));
        };
        let of = (self.service, self.call, self.request);
        match effect {
            Effect::Refuse(refusal) => {
                if refusal.applied == Applied::Yes {
                    self.handle(lab);
                }
                Exchange::Answer(faults::refuse(lab, of, &refusal))
            }
            Effect::Throttle(retry_after) => {
                Exchange::Answer(faults::throttle(lab, of, retry_after))
            }
            Effect::NotSent => Exchange::NotSent,
            // The time has passed, or will pass before the answer.
            Effect::DelayAnswer(_) | Effect::DelayRequest(_) => Exchange::Answer(self.handle(lab)),
            Effect::Hang(applied_after) => {
                if let Some(delay) = applied_after {
                    lab.arrive(delay, self.service, self.request.clone());
                }
                Exchange::Silent
            }
            Effect::LoseRequest(connection) => unanswered(connection),
            Effect::LoseAnswer(connection) => {
                self.handle(lab);
                unanswered(connection)
            }
            Effect::Twice => {
                self.handle(lab);
                Exchange::Answer(self.handle(lab))
            }
            Effect::Cut(bytes) => {
                let response = self.handle(lab);
                match response.body.len().checked_sub(1) {
                    Some(most) => Exchange::Cut(response, bytes.min(most)),
                    None => Exchange::Broken,
                }
            }
            Effect::Replace(kind, applied) => {
                let usual = match applied {
                    Applied::Yes => self.handle(lab),
                    Applied::No => Response::empty(200),
                };
                let content_type = usual.header("content-type");
                let content_type = content_type.unwrap_or("application/json").to_owned();
                Exchange::Answer(faults::replacement(kind, &content_type))
            }
            Effect::Stale(lasts) => {
                let snapshot = lab.clone();
                self.gate
                    .faults()
                    .veil(rule, self.call.clone(), lasts, snapshot);
                Exchange::Answer(self.handle(lab))
            }
            Effect::Drop(n) => Exchange::Answer(faults::drop_element(self.handle(lab), n)),
            Effect::Page(most) => Exchange::Answer(self.paged(lab, most)),
            Effect::Task(fate) => {
                lab.fate = Some(fate);
                let response = self.handle(lab);
                lab.fate = None;
                Exchange::Answer(response)
            }
            Effect::ExpireToken => Exchange::Answer(match self.service {
                Service::Move(index) => {
                    if let Some(mv) = lab.moves.get_mut(index) {
                        mv.tokens.clear();
                    }
                    self.handle(lab)
                }
                Service::Aws | Service::Prism(_) => faults::expired(lab, of),
            }),
            Effect::SiteDown(name, lasts) => {
                lab.take_site_down(&name, lasts);
                self.answer_if_up(lab)
            }
            Effect::RegionDown(name, lasts) => {
                lab.take_region_down(&name, lasts);
                self.answer_if_up(lab)
            }
        }
    }

    /// Answers the request, from a past state if reads see one.
    fn handle(self, lab: &mut LabState) -> Response {
        let mut faults = self.gate.faults();
        let Some(past) = faults.past(self.call) else {
            drop(faults);
            let response = handle(lab, self.service, self.request);
            if self.call.kind == CallKind::Change {
                lab.changed();
            }
            return response;
        };
        // A session that was opened since is valid.
        for (past, present) in past.moves.iter_mut().zip(&lab.moves) {
            past.tokens.clone_from(&present.tokens);
        }
        handle(past, self.service, self.request)
    }

    /// Answers the request with lists in pages of at most `most`.
    fn paged(self, lab: &mut LabState, most: usize) -> Response {
        match self.service {
            Service::Aws => {
                let usual = lab.aws.page_cap;
                lab.aws.page_cap = Some(usual.unwrap_or(most).min(most));
                let response = self.handle(lab);
                lab.aws.page_cap = usual;
                response
            }
            Service::Prism(_) => {
                let mut request = self.request.clone();
                let asked = request.param("$limit").map(str::parse::<usize>);
                match asked {
                    // An invalid limit is refused as usual.
                    Some(Err(_)) => {}
                    Some(Ok(asked)) if asked <= most => {}
                    Some(Ok(_)) | None => {
                        request.query.retain(|(name, _)| name != "$limit");
                        request.query.push(("$limit".to_owned(), most.to_string()));
                    }
                }
                let paged = Passing {
                    request: &request,
                    ..self
                };
                paged.handle(lab)
            }
            Service::Move(_) => self.handle(lab),
        }
    }

    fn answer_if_up(self, lab: &mut LabState) -> Exchange {
        if is_down(lab, self.service, self.call) {
            Exchange::Silent
        } else {
            Exchange::Answer(self.handle(lab))
        }
    }
}

fn unanswered(connection: Connection) -> Exchange {
    match connection {
        Connection::Open => Exchange::Silent,
        Connection::Closed => Exchange::Broken,
    }
}
