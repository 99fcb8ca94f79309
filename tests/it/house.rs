//! The rules of the house, kept by reading its source.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const LONGEST_FILE: usize = 400;
/// Imports go down only. What stands on one line does not use each other.
const FLOORS: [&[&str]; 11] = [
    &["main"],
    &["cli"],
    &["app"],
    &["http"],
    &["verifier"],
    &["guard", "courier", "sweeper"],
    &["store", "restcomm"],
    &["config", "simulator"],
    &["message"],
    &["domain"],
    &["crypto", "telemetry"],
];

struct Source {
    /// Such as `src/http/call.rs`.
    name: String,
    text: String,
}

impl Source {
    /// The room it stands in: the first module of its path.
    fn room(&self) -> &str {
        let inside = self.name.strip_prefix("src/").unwrap_or(&self.name);
        let room = inside.split('/').next().unwrap_or_default();
        room.strip_suffix(".rs").unwrap_or(room)
    }

    /// The modules above it, from the crate on: `http` and `call` for `src/http/call.rs`.
    fn modules(&self) -> Vec<&str> {
        let inside = self.name.strip_prefix("src/").unwrap_or(&self.name);
        let mut modules: Vec<&str> = inside.split('/').collect();
        let last = modules.pop().and_then(|file| file.strip_suffix(".rs"));
        modules.extend(last.filter(|name| !matches!(*name, "mod" | "lib")));
        modules
    }

    /// The code without comments and literals, in words and signs.
    fn tokens(&self) -> Vec<String> {
        tokens(&self.text)
    }
}

fn sources(root: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(root)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.ends_with("node_modules") {
                // Other people's.
            } else if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                let name = name.to_str().unwrap().to_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { name, text });
            }
        }
    }
    assert!(!found.is_empty(), "no source below {root}");
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Words, and every other sign by itself; comments and what stands in quotes are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(raw) = raw_string(rest) {
            raw
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\''
            && (rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\''))
        {
            quoted(rest, '\'')
        } else {
            let word = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let taken = word.max(first.len_utf8());
            if !first.is_whitespace() {
                tokens.push(rest[..taken].to_owned());
            }
            taken
        };
        rest = &rest[taken..];
    }
    tokens
}

/// The length of a raw string that `text` begins with.
fn raw_string(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = inside.len() - inside.trim_start_matches('#').len();
    inside[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - inside.len() + hashes + 1;
    Some(start + text[start..].find(&end)? + end.len())
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == quote => return at + sign.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The paths that a source uses from the crate on: whatever follows `crate::` or `super::`, also in braces.
fn uses(source: &Source) -> BTreeSet<Vec<String>> {
    let tokens = source.tokens();
    let mut used = BTreeSet::new();
    let mut depth_of_inner = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => {
                depth += 1;
                if 2 <= at && tokens[at - 2] == "mod" {
                    depth_of_inner.push((depth, tokens[at - 1].clone()));
                }
            }
            "}" => {
                depth_of_inner.retain(|(inner, _)| *inner != depth);
                depth -= 1;
            }
            "crate" => branch(&tokens, at + 1, &[], &mut used),
            // A chain of `super`s is read from its first.
            "super" if at < 3 || tokens[at - 3] != "super" => {
                let mut place: Vec<String> =
                    source.modules().into_iter().map(str::to_owned).collect();
                place.extend(depth_of_inner.iter().map(|(_, name)| name.clone()));
                let mut next = at;
                while tokens.get(next).is_some_and(|token| token == "super") {
                    place.pop();
                    next += 3;
                }
                branch(&tokens, next - 2, &place, &mut used);
            }
            _ => {}
        }
    }
    used
}

/// Reads on behind a path: `::name`, `::{a, b::c}`.
fn branch(tokens: &[String], at: usize, path: &[String], used: &mut BTreeSet<Vec<String>>) {
    let is = |at: usize, sign: &str| tokens.get(at).is_some_and(|token| token == sign);
    if !(is(at, ":") && is(at + 1, ":")) || 3 <= path.len() {
        used.insert(path.to_vec());
        return;
    }
    if !is(at + 2, "{") {
        let longer = [path, &tokens[at + 2..at + 3]].concat();
        return branch(tokens, at + 3, &longer, used);
    }
    let (mut depth, mut next) = (1, at + 3);
    let mut begins = true;
    while 0 < depth && next < tokens.len() {
        match tokens[next].as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => begins = true,
            name if begins && depth == 1 => {
                begins = false;
                let longer = [path, &[name.to_owned()]].concat();
                branch(tokens, next + 1, &longer, used);
            }
            _ => {}
        }
        next += 1;
    }
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// What a room may use beyond or short of its floor.
fn may_use(room: &str, used: &[String]) -> bool {
    let target = used[0].as_str();
    match (room, target) {
        (_, _) if room == target => true,
        ("main", _) => target == "cli",
        (_, "config") => matches!(room, "app" | "cli"),
        (_, "simulator") => matches!(room, "app" | "cli"),
        // What decides needs no witness, and what is simulated is not ours.
        (_, "telemetry") => !matches!(room, "crypto" | "domain" | "config" | "simulator"),
        // A tenant's own texts are checked by the rules under which they are sent.
        ("config", "message") => used.get(1).is_some_and(|used| used == "template"),
        ("config", _) => target == "domain",
        ("simulator", _) => used
            .get(..2)
            .is_some_and(|used| used == ["domain", "clock"]),
        _ => floor(room) < floor(target),
    }
}

#[test]
fn every_room_has_its_floor_and_imports_go_down_only() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for source in sources("src")
        .iter()
        .filter(|source| source.name != "src/lib.rs")
    {
        let room = source.room();
        assert!(
            floor(room).is_some(),
            "{room} has no floor: put it where it belongs, here and in ARCHITECTURE.md"
        );
        for used in uses(source) {
            // Not a room: an item of the crate's root.
            if used.first().is_none_or(|first| floor(first).is_none()) {
                faults.push(format!(
                    "{} uses {}, which is no room",
                    source.name,
                    used.join("::")
                ));
            } else if !may_use(room, &used) {
                faults.push(format!("{} uses {}", source.name, used.join("::")));
            }
            seen += 1;
        }
    }
    assert!(100 < seen, "the imports are no longer found: {seen}");
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn each_dependency_keeps_to_its_rooms() {
    let rules: [(&[&str], &[&str]); 6] = [
        (&["sqlx"], &["src/store/"]),
        (
            &["serde_json"],
            &["src/http/", "src/store/", "src/restcomm/", "src/simulator/"],
        ),
        (&["env", ":", ":", "var"], &["src/config/"]),
        (&["std", ":", ":", "env"], &["src/config/"]),
        (&["SystemTime"], &["src/domain/clock.rs"]),
        (
            &["reqwest", ":", ":", "Client"],
            &["src/restcomm/", "src/simulator/", "src/cli/healthcheck.rs"],
        ),
    ];
    for source in sources("src") {
        let tokens = source.tokens();
        for (words, places) in rules {
            let found = tokens.windows(words.len()).any(|window| window == words);
            let allowed = places.iter().any(|place| source.name.starts_with(place));
            assert!(
                allowed || !found,
                "{} may not use {}",
                source.name,
                words.concat()
            );
        }
    }
}

#[test]
fn files_are_short_well_named_and_finished() {
    let all = ["src", "tests", "benches"].map(sources);
    for source in all.into_iter().flatten() {
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", source.name);
        for module in source.modules() {
            let vague = [
                "utils", "util", "helpers", "helper", "common", "manager", "misc",
            ]
            .contains(&module);
            assert!(!vague, "{} says nothing of what it holds", source.name);
        }
        let tokens = source.tokens();
        for unfinished in [
            &["todo", "!"][..],
            &["unimplemented", "!"],
            &["dbg", "!"],
            &["#", "[", "ignore"],
        ] {
            let found = tokens
                .windows(unfinished.len())
                .any(|window| window == unfinished);
            assert!(!found, "{} has {}", source.name, unfinished.concat());
        }
    }
    let main =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    assert!(main.lines().count() <= 60);
}

/// Nothing inline, nothing from elsewhere, nothing that makes markup or code of a string: its policy would refuse it.
#[test]
fn the_page_keeps_to_its_policy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(text.lines().count() <= LONGEST_FILE, "{name}");
        for forbidden in [
            "<style",
            " style=",
            "<script>",
            "javascript:",
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "eval(",
            "Function(",
            "document.write",
            ".style.",
            "cssText",
            "@import",
            "url(",
            "=\"//",
            "TODO",
            "lorem",
        ] {
            assert!(!text.contains(forbidden), "{name} has {forbidden}");
        }
        let markup = Path::new(name).extension().is_some_and(|kind| kind != "js");
        let handler = |word: &str| word.starts_with("on") && word.contains('=');
        assert!(
            !markup || !text.split_whitespace().any(handler),
            "{name} has a handler inline"
        );
        // A namespace, and an example in a comment.
        let known = text
            .replace("http://www.w3.org/2000/svg", "")
            .replace("https://otp.example.com", "");
        assert!(!known.contains("://"), "{name} names another place");
    }
}

#[test]
fn the_reader_of_sources_finds_what_it_must() {
    let text = r##"
        use crate::{domain::{clock::Clock, id}, store::{self, Store}};
        // use crate::commented::Out;
        fn f() { super::super::verifier::run("crate::quoted::Out", r#"crate::raw"#, '"', crate::app::App); }
        mod tests { use super::json; }
    "##;
    let source = Source {
        name: "src/http/otp/send.rs".to_owned(),
        text: text.to_owned(),
    };
    let used: Vec<_> = uses(&source)
        .into_iter()
        .map(|used| used.join("::"))
        .collect();
    assert_eq!(
        used,
        [
            "app::App",
            "domain::clock::Clock",
            "domain::id",
            "http::otp::send",
            "http::verifier::run",
            "store::Store",
            "store::self"
        ]
    );
}
