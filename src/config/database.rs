//! Where the data is kept. The address may hold a password.

use std::{fmt, path::Path};

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::{placeholders, urls::is_loopback};

const SPELLINGS: &str =
    "write \"sqlite:///var/lib/countersign/data.db\" or \"postgres://user@host/db\"";

/// The address of the database. Its `Debug` shows no password.
#[derive(Clone)]
pub struct DatabaseUrl {
    full: SecretString,
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite { path: String },
    Postgres { shown: String },
}

impl DatabaseUrl {
    /// Reads an address, or says what is wrong with it: the end of a sentence that begins with
    /// the name of the setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        let backend = match scheme {
            "sqlite" => sqlite(rest)?,
            "postgres" | "postgresql" => postgres(text)?,
            _ => return Err(format!("is not the address of a database; {SPELLINGS}")),
        };
        Ok(Self {
            full: text.into(),
            backend,
        })
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.backend, Backend::Postgres { .. })
    }

    /// The file of an `SQLite` database, taken as it is written.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.backend {
            Backend::Sqlite { path } => Some(Path::new(path)),
            Backend::Postgres { .. } => None,
        }
    }

    /// The whole address, password included, for the one who connects.
    pub fn expose(&self) -> &str {
        self.full.expose_secret()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.backend {
            Backend::Sqlite { path } => write!(f, "sqlite://{path}"),
            Backend::Postgres { shown } => f.write_str(shown),
        }
    }
}

fn sqlite(rest: &str) -> Result<Backend, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.ends_with('/') {
        return Err(format!("names no file; {SPELLINGS}"));
    }
    if path.contains(":memory:") {
        return Err(format!(
            "would forget everything at the next start; {SPELLINGS}"
        ));
    }
    if path.contains(['?', '#']) || path.contains(char::is_control) {
        return Err(
            "holds more than the path of a file; remove all from the `?` or `#` on".to_owned(),
        );
    }
    Ok(Backend::Sqlite {
        path: path.to_owned(),
    })
}

fn postgres(text: &str) -> Result<Backend, String> {
    // What is wrong could be a password with an `@`, `/`, `#` or `?` in it: nothing is repeated.
    let whole = |url: &Url| {
        !url.cannot_be_a_base() && url.fragment().is_none() && !url.path().contains('@')
    };
    let url = Url::parse(text).ok().filter(whole).ok_or_else(|| {
        format!("is not an address; {SPELLINGS}, special characters of a password percent-encoded")
    })?;
    let in_query = url.query_pairs().find(|(name, _)| name == "password");
    let password = in_query.map(|(_, password)| password.into_owned());
    let password = password.as_deref().or(url.password()).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    // A database that only this machine reaches may have any password.
    if placeholders::is_word(password) && !host.is_empty() && !is_loopback(host) {
        return Err("holds a placeholder as the password; set the real one".to_owned());
    }
    let user = url.username();
    let at = if user.is_empty() { "" } else { "@" };
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let shown = format!("postgres://{user}{at}{host}{port}{}", url.path());
    Ok(Backend::Postgres { shown })
}
