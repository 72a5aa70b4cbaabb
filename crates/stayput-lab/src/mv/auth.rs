//! Tokens: issued for user name and password, valid for a number of seconds on the callers' clock.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use serde_json::Value as Json;
use serde_json::json;

use super::model::MoveState;
use super::wire;
use super::wire::Answer;
use super::wire::Fault;
use crate::http::Request;
use crate::state::LabState;

/// Lifetime of a refresh token in seconds on the callers' clock (inferred).
const REFRESH_LIFE: u64 = 24 * 3600;
/// Prefix of refresh tokens in the table of tokens. A JWT contains no colon, so a refresh token is never accepted as an access
/// token.
const REFRESH: &str = "refresh:";
/// JWTs are base64url without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_encode_padding(false),
);

/// Seconds since the Unix epoch on the callers' clock.
fn callers_now(lab: &LabState) -> u64 {
    lab.clock.callers().0 / 1000
}

/// `POST /users/login`.
pub fn login(lab: &mut LabState, mv: usize, request: &Request) -> Result<Answer, Fault> {
    let state = &lab.moves[mv];
    let body = wire::body(request)?;
    let user = wire::need(&body, &["Spec", "UserName"])?;
    check_password(state, user, wire::need(&body, &["Spec", "Password"])?)?;
    let life = state.token_ttl_secs;
    let token = give(lab, mv, user, life);
    Ok(Answer::ok(json!({ "Status": { "Token": token } })))
}

/// `POST /token`, a form.
pub fn token(lab: &mut LabState, mv: usize, request: &Request) -> Result<Answer, Fault> {
    let now = callers_now(lab);
    let state = &mut lab.moves[mv];
    let form: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    let member = |name: &str| {
        form.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    let user = match member("grantType") {
        Some("PASSWORD") => {
            let user = member("username").unwrap_or_default();
            check_password(state, user, member("password").unwrap_or_default())?;
            user.to_owned()
        }
        Some("REFRESH_TOKEN") => {
            let key = format!("{REFRESH}{}", member("refreshToken").unwrap_or_default());
            match state.tokens.remove(&key) {
                Some(end) if end > now => state.credentials.0.clone(),
                Some(_) | None => return Err(Fault::unauthorized("invalid refresh token")),
            }
        }
        Some(other) => return Err(Fault::unprocessable(format!("unknown grantType {other}"))),
        None => return Err(Fault::unprocessable("grantType is missing")),
    };
    let life = match member("expiry") {
        None => state.token_ttl_secs,
        Some(expiry) => expiry
            .parse::<u64>()
            .map_err(|_| Fault::unprocessable("expiry is not a number of seconds"))?
            .min(state.token_ttl_secs),
    };
    let access = give(lab, mv, &user, life);
    let refresh = jwt(lab, &user, now + REFRESH_LIFE);
    lab.moves[mv]
        .tokens
        .insert(format!("{REFRESH}{refresh}"), now + REFRESH_LIFE);
    Ok(Answer::ok(json!({
        "AccessToken": access,
        "RefreshToken": refresh,
        "AccessTokenExpiry": life,
        "Username": user,
        "APIVersion": wire::VERSION,
    })))
}

/// `POST /token/revoke`.
pub fn revoke(state: &mut MoveState, body: &Json) -> Result<Answer, Fault> {
    let token = wire::need(body, &["Spec", "Token"])?;
    state.tokens.remove(token);
    Ok(Answer::ok(json!({})))
}

/// `POST /configure`: accepts the licence, and sets a new password if one is given.
pub fn configure(state: &mut MoveState, body: &Json) -> Result<Answer, Fault> {
    let spec = wire::spec(body)?;
    if wire::field(spec, "EulaAccepted").and_then(Json::as_bool) != Some(true) {
        return Err(Fault::unprocessable("EulaAccepted must be true"));
    }
    if let Some(password) = wire::text(spec, &["NewPassword"]) {
        password.clone_into(&mut state.credentials.1);
    }
    Ok(Answer::ok(json!({})))
}

/// Whether the request has a valid token, raw or after `Bearer`.
pub fn check(lab: &mut LabState, mv: usize, request: &Request) -> Result<(), Fault> {
    let now = callers_now(lab);
    let state = &mut lab.moves[mv];
    let header = request.header("authorization").unwrap_or_default();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header.trim(),
    };
    state.tokens.retain(|_, end| *end > now);
    if !token.contains(':') && state.tokens.contains_key(token) {
        Ok(())
    } else {
        Err(Fault::unauthorized(
            "Unauthorized: token is invalid or has expired",
        ))
    }
}

fn check_password(state: &MoveState, user: &str, password: &str) -> Result<(), Fault> {
    if (user, password) == (state.credentials.0.as_str(), state.credentials.1.as_str()) {
        Ok(())
    } else {
        Err(Fault::unauthorized("Invalid username or password"))
    }
}

fn give(lab: &mut LabState, mv: usize, user: &str, life: u64) -> String {
    let end = callers_now(lab) + life;
    let token = jwt(lab, user, end);
    lab.moves[mv].tokens.insert(token.clone(), end);
    token
}

/// Creates a token in the form of a JWT, since clients read its `exp`. Its signature is not checked: the table of tokens decides.
fn jwt(lab: &mut LabState, user: &str, end: u64) -> String {
    let id = lab.uuid();
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let claims = json!({ "sub": user, "exp": end, "jti": id });
    format!(
        "{}.{}.{}",
        BASE64.encode(header.to_string()),
        BASE64.encode(claims.to_string()),
        BASE64.encode(id)
    )
}
