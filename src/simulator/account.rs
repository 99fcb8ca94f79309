//! The one account of the simulated platform, and who may act for it.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// What a client needs to use the platform. The token cannot be printed.
#[derive(Clone)]
pub struct Account {
    sid: String,
    auth_token: String,
}

impl Account {
    /// Reads `SID:TOKEN`, as the command line gives it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (sid, auth_token) = text.split_once(':').ok_or("expected SID:TOKEN")?;
        if sid.is_empty() || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("the account SID before the colon must be letters and digits");
        }
        if auth_token.is_empty() {
            return Err("the token after the colon must not be empty");
        }
        Ok(Self {
            sid: sid.to_owned(),
            auth_token: auth_token.to_owned(),
        })
    }

    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Restcomm takes the header literally: `Basic`, one space, base64, split at the first colon.
    pub(super) fn opens_with(&self, authorization: Option<&str>) -> bool {
        authorization
            .and_then(|header| header.strip_prefix("Basic "))
            .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
            .and_then(|decoded| String::from_utf8(decoded).ok())
            .is_some_and(|credentials| {
                credentials.split_once(':') == Some((&self.sid, &self.auth_token))
            })
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({}, [redacted])", self.sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_cannot_be_printed() {
        let account = Account::parse("AC1:s3:cret").unwrap();
        assert_eq!(format!("{account:?}"), "Account(AC1, [redacted])");
    }

    #[test]
    fn a_token_may_hold_a_colon_but_nothing_may_be_empty() {
        let account = Account::parse("AC1:s3:cret").unwrap();
        assert!(account.opens_with(Some("Basic QUMxOnMzOmNyZXQ=")));
        assert!(Account::parse("AC1").is_err());
        assert!(Account::parse(":token").is_err());
        assert!(Account::parse("AC1:").is_err());
        assert!(Account::parse("AC/1:token").is_err());
    }
}
