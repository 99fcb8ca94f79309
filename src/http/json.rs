//! JSON as strict as the contract: one object, every member once, known and of its type, all faults named at once.
//! What serde lets through by itself (arrays in place of objects, duplicate and unknown members) is refused here.

use std::{collections::BTreeMap, fmt};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::codes::ProblemCode;
use super::problem::{FieldCode, FieldError, Problem};

/// A JSON value none of whose objects has a member twice.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Text(String),
    Object(BTreeMap<String, Json>),
    /// Whatever no member is ever of.
    Other,
}

/// The members of one object, taken one after another; what is left at the end is unknown.
pub(super) struct Members {
    unread: BTreeMap<String, Json>,
    errors: Vec<FieldError>,
    /// How many of the errors are for the policy alone to find: nothing is wrong with what was read.
    by_policy: usize,
    repeatable: bool,
}

impl Members {
    /// Reads a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        // The parser's own words may quote the body, so they go nowhere.
        let malformed = || Problem::new(ProblemCode::MalformedRequest);
        match serde_json::from_slice(body).map_err(|_| malformed())? {
            Json::Object(members) => Ok(Self::of(members)),
            Json::Text(_) | Json::Other => Err(malformed()),
        }
    }

    pub(super) fn none() -> Self {
        Self::of(BTreeMap::new())
    }

    fn of(members: BTreeMap<String, Json>) -> Self {
        Self {
            unread: members,
            errors: Vec::new(),
            by_policy: 0,
            repeatable: false,
        }
    }

    /// The call may be the repeat of one that was allowed.
    pub(super) fn may_be_a_repeat(&mut self) {
        self.repeatable = true;
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.unread.contains_key(name)
    }

    /// A string that `read` makes into what is wanted.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, (FieldCode, String)>,
    ) -> Option<T> {
        match self.unread.remove(name)? {
            Json::Text(text) => self.checked(name, read(&text)),
            Json::Object(_) | Json::Other => {
                self.fault(pointer(&[name]), FieldCode::WrongType, "must be a string")
            }
        }
    }

    /// What was made of the member, or of its absence; or the fault with it.
    pub(super) fn checked<T>(
        &mut self,
        name: &str,
        read: Result<T, (FieldCode, String)>,
    ) -> Option<T> {
        read.map_err(|(code, detail)| self.fault::<T>(pointer(&[name]), code, detail))
            .ok()
    }

    /// Like [`Members::optional`], but it must be there.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, (FieldCode, String)>,
    ) -> Option<T> {
        if !self.has(name) {
            return self.fault(pointer(&[name]), FieldCode::Required, "is required");
        }
        self.optional(name, read)
    }

    /// An object of at most `most` strings of at most `longest` characters.
    pub(super) fn strings(
        &mut self,
        name: &str,
        most: usize,
        longest: usize,
    ) -> BTreeMap<String, String> {
        let mut strings = BTreeMap::new();
        let object = match self.unread.remove(name) {
            None => return strings,
            Some(Json::Object(object)) => object,
            Some(Json::Text(_) | Json::Other) => {
                self.fault::<()>(
                    pointer(&[name]),
                    FieldCode::WrongType,
                    "must be an object of strings",
                );
                return strings;
            }
        };
        if most < object.len() {
            self.fault::<()>(
                pointer(&[name]),
                FieldCode::TooLong,
                format!("must have at most {most} members"),
            );
        }
        for (key, value) in object {
            let place = pointer(&[name, &key]);
            let too_long = |text: &str| longest < text.chars().count();
            match value {
                Json::Text(text) if too_long(&text) || too_long(&key) => {
                    let detail =
                        format!("name and value must have at most {longest} characters each");
                    self.fault::<()>(place, FieldCode::TooLong, detail);
                }
                Json::Text(text) => {
                    strings.insert(key, text);
                }
                Json::Object(_) | Json::Other => {
                    self.fault::<()>(place, FieldCode::WrongType, "must be a string");
                }
            }
        }
        strings
    }

    /// An object whose members `read` takes one after another. What it leaves is unknown.
    pub(super) fn nested<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let place = pointer(&[name]);
        let Json::Object(members) = self.unread.remove(name)? else {
            return self.fault(place, FieldCode::WrongType, "must be an object");
        };
        let mut inside = Self::of(members);
        let value = read(&mut inside);
        inside.refuse_the_rest();
        let faultless = inside.errors.len() == inside.by_policy;
        self.by_policy += inside.by_policy;
        self.errors
            .extend(inside.errors.into_iter().map(|error| FieldError {
                pointer: format!("{place}{}", error.pointer.trim_start_matches('#')),
                ..error
            }));
        value.filter(|_| faultless)
    }

    /// Notes a fault of the object itself.
    pub(super) fn fault_of_all<T>(&mut self, code: FieldCode, detail: &str) -> Option<T> {
        self.fault(pointer(&[]), code, detail)
    }

    /// Notes a fault.
    pub(super) fn fault<T>(
        &mut self,
        pointer: String,
        code: FieldCode,
        detail: impl Into<String>,
    ) -> Option<T> {
        self.errors.push(FieldError {
            pointer,
            code,
            detail: detail.into(),
        });
        None
    }

    /// Notes that the tenant's policy does not allow what was read.
    pub(super) fn against_policy(&mut self, name: &str, detail: impl Into<String>) {
        self.fault::<()>(pointer(&[name]), FieldCode::NotAllowed, detail);
        self.by_policy += 1;
    }

    /// A member that is not for this caller.
    pub(super) fn not_allowed<T>(&mut self, name: &str, detail: &str) -> Option<T> {
        self.unread.remove(name)?;
        self.fault(pointer(&[name]), FieldCode::NotAllowed, detail)
    }

    /// Takes a member away without reading it, since another fault was already found with it.
    pub(super) fn ignore(&mut self, name: &str) {
        self.unread.remove(name);
    }

    /// Every member was known and valid, and so all of `read` are there.
    pub(super) fn finish<T>(self, read: Option<T>) -> Result<T, Problem> {
        match self.finish_but_for_policy(read)? {
            (value, None) => Ok(value),
            (_, Some(refused)) => Err(refused),
        }
    }

    /// The same, but that the policy does not allow what may be a repeat is told apart.
    pub(super) fn finish_but_for_policy<T>(
        mut self,
        read: Option<T>,
    ) -> Result<(T, Option<Problem>), Problem> {
        self.refuse_the_rest();
        let faults = self.errors.len();
        match read {
            Some(value) if faults == 0 => Ok((value, None)),
            Some(value) if self.repeatable && faults == self.by_policy => {
                Ok((value, Some(Problem::invalid(self.errors))))
            }
            _ => Err(Problem::invalid(self.errors)),
        }
    }

    fn refuse_the_rest(&mut self) {
        for name in std::mem::take(&mut self.unread).into_keys() {
            self.fault::<()>(
                pointer(&[&name]),
                FieldCode::UnknownMember,
                "is not known here",
            );
        }
    }
}

/// A JSON pointer as a URI fragment, long names cut.
pub(super) fn pointer(path: &[&str]) -> String {
    let mut pointer = String::from("#");
    for name in path {
        let cut: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        pointer.push('/');
        pointer.push_str(&cut.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<Json>()?.is_some() {}
        Ok(Json::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, Json>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_malformed(body: &[u8]) -> bool {
        Members::parse(body).is_err_and(|problem| problem.code == ProblemCode::MalformedRequest)
    }

    #[test]
    fn only_one_object_with_every_member_once_is_read() {
        assert!(Members::parse(br#" {"to": "a", "b": {"c": [1, null, true, 1.5]}} "#).is_ok());
        for body in [
            &b""[..],
            b"null",
            b"[]",
            br#"["+351912345678","sms"]"#,
            br#""text""#,
            b"{} {}",
            b"{}x",
            br#"{"to":"a","to":"b"}"#,
            br#"{"to":"a","t\u006f":"b"}"#,
            br#"{"metadata":{"a":"1","a":"2"}}"#,
            br#"{"to":"\ud800"}"#,
            b"{\"to\":\"\xff\"}",
            br#"{"to":"a",}"#,
            b"\xef\xbb\xbf{}",
            br#"{"n":1e999}"#,
        ] {
            assert!(is_malformed(body), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_it_hurts() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(is_malformed(deep.as_bytes()));
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let body = br#"{"a":1,"m":{"x/y":2},"z~":"unknown"}"#;
        let mut members = Members::parse(body).unwrap();
        members.optional("a", |text| Ok(text.to_owned()));
        members.required("b", |text| Ok(text.to_owned()));
        members.strings("m", 1, 5);
        let problem = members.finish(Some(())).unwrap_err();
        let faults: Vec<_> = problem
            .body
            .errors
            .iter()
            .map(|e| (e.pointer.as_str(), e.code))
            .collect();
        assert_eq!(
            faults,
            [
                ("#/a", FieldCode::WrongType),
                ("#/b", FieldCode::Required),
                ("#/m/x~1y", FieldCode::WrongType),
                ("#/z~0", FieldCode::UnknownMember),
            ]
        );
    }

    proptest! {
        #[test]
        fn no_body_breaks_the_parser(body: Vec<u8>) {
            let _ = Members::parse(&body);
        }
    }
}
