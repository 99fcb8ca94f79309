//! Turns the metadata of a calling code into its [`Plan`].
//!
//! It reads what the library itself has loaded, so that a new release brings its metadata along.
//! The way there (`as_original`) is public but undocumented: if a release closes it, this file no
//! longer compiles, and `parse` can ask the library about every number until it is mended.

use std::collections::HashMap;

use rlibphonenumber::{PHONE_NUMBER_UTIL, RegionStr, interfaces::AsOriginal};

use super::{
    ASK, DEAD, LineType, Plan, State, Verdict,
    pattern::{Id, Patterns},
};
use crate::domain::phone::MAX_DIGITS;

/// `None`: the calling code is not in use.
pub(super) fn compile(code: u16) -> Option<Plan> {
    PHONE_NUMBER_UTIL.get_region_for_country_code(i32::from(code))?;
    let mut compiler = Compiler::new(code);
    let start = compiler
        .read_metadata()
        .map_or(ASK, |parts| compiler.state(0, parts));
    let mut states = compiler.states;
    states.shrink_to_fit();
    Some(Plan { states, start })
}

/// What the library tests before the line types: leading digits and the general description.
const LEADING: usize = 0;
const GENERAL: usize = 1;
/// The order in which the library tries the line types; the first that fits is the answer.
const SPECIAL: [LineType; 8] = [
    LineType::PremiumRate,
    LineType::TollFree,
    LineType::SharedCost,
    LineType::Voip,
    LineType::PersonalNumber,
    LineType::Pager,
    LineType::Uan,
    LineType::Voicemail,
];
const FIXED: usize = 2 + SPECIAL.len();
const MOBILE: usize = FIXED + 1;
const PARTS: usize = MOBILE + 1;

/// One region of a calling code: +1 has 25 of them.
struct Territory {
    region: RegionStr,
    /// Mobile and fixed lines look alike here.
    alike: bool,
    /// For each part, the lengths it may have, as bits.
    lengths: [u32; PARTS],
}

struct Compiler {
    code: u16,
    longest: usize,
    patterns: Patterns,
    territories: Vec<Territory>,
    states: Vec<State>,
    /// States by what they are, so that equal ones are kept once.
    known: HashMap<State, u16>,
    /// States by what may still come: the trunk prefix, then the parts of each territory.
    visited: HashMap<(usize, Vec<Id>), u16>,
}

impl Compiler {
    fn new(code: u16) -> Self {
        let states = vec![
            State {
                next: [DEAD; 10],
                verdict: Verdict::Invalid,
            },
            State {
                next: [ASK; 10],
                verdict: Verdict::AskLibrary,
            },
        ];
        Self {
            code,
            longest: MAX_DIGITS - code.to_string().len(),
            patterns: Patterns::new(),
            territories: Vec::new(),
            known: states.iter().copied().zip([DEAD, ASK]).collect(),
            visited: HashMap::new(),
            states,
        }
    }

    /// Reads the patterns of all regions of the calling code, the main one first. `None` if one
    /// of them is beyond us: then every number is for the library.
    fn read_metadata(&mut self) -> Option<Vec<Id>> {
        let code = i32::from(self.code);
        let library = PHONE_NUMBER_UTIL.as_original();
        let mut parts = vec![Patterns::NOTHING];
        for region in PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(code)? {
            let metadata = library.get_metadata_for_region_or_calling_code(code, region)?;
            if self.territories.is_empty() {
                // The library strips the trunk prefix of the main region, whatever the region.
                parts[0] = self.read(
                    metadata
                        .national_prefix_for_parsing()
                        .pattern_base
                        .as_deref(),
                )?;
            }
            let leading = self.read(metadata.leading_digits().pattern_base.as_deref())?;
            parts.push(self.patterns.starting_with(leading));
            let mut lengths = [u32::MAX; PARTS];
            let descriptions = [
                &metadata.general_desc,
                &metadata.premium_rate,
                &metadata.toll_free,
                &metadata.shared_cost,
                &metadata.voip,
                &metadata.personal_number,
                &metadata.pager,
                &metadata.uan,
                &metadata.voicemail,
                &metadata.fixed_line,
                &metadata.mobile,
            ];
            for (index, description) in descriptions.into_iter().enumerate() {
                parts.push(
                    self.read(
                        description
                            .national_number_pattern()
                            .pattern_base
                            .as_deref(),
                    )?,
                );
                lengths[GENERAL + index] = length_bits(&description.original.possible_length);
            }
            let alike = metadata.original.same_mobile_and_fixed_line_pattern();
            self.territories.push(Territory {
                region: region.as_region_str(),
                alike,
                lengths,
            });
        }
        Some(parts)
    }

    fn read(&mut self, pattern: Option<&str>) -> Option<Id> {
        match pattern {
            None => Some(Patterns::NOTHING),
            // How the library keeps every pattern.
            Some(anchored) => self
                .patterns
                .read(anchored.strip_prefix("^(?:")?.strip_suffix(")$")?),
        }
    }

    /// The state after `depth` digits, when `parts` may still come.
    fn state(&mut self, depth: usize, mut parts: Vec<Id>) -> u16 {
        if depth > 0 && self.patterns.is_met(parts[0]) {
            return ASK;
        }
        for territory in parts[1..].chunks_exact_mut(PARTS) {
            if territory[GENERAL] == Patterns::NOTHING {
                territory[GENERAL..].fill(Patterns::NOTHING);
            }
        }
        if depth > self.longest || parts.iter().all(|part| *part == Patterns::NOTHING) {
            return DEAD;
        }
        let key = (depth, parts);
        if let Some(state) = self.visited.get(&key) {
            return *state;
        }
        let after: Vec<_> = key
            .1
            .iter()
            .map(|part| self.patterns.after(*part))
            .collect();
        let next = std::array::from_fn(|digit| {
            self.state(depth + 1, after.iter().map(|after| after[digit]).collect())
        });
        let state = self.keep(State {
            next,
            verdict: self.verdict(depth, &key.1[1..]),
        });
        self.visited.insert(key, state);
        state
    }

    fn keep(&mut self, state: State) -> u16 {
        *self.known.entry(state).or_insert_with(|| {
            self.states.push(state);
            u16::try_from(self.states.len() - 1)
                .expect("a numbering plan has fewer than 2^16 states")
        })
    }

    /// What a number is that ends here: the first region that claims it decides.
    fn verdict(&self, depth: usize, parts: &[Id]) -> Verdict {
        for (territory, parts) in self.territories.iter().zip(parts.chunks_exact(PARTS)) {
            let is = |part: usize| {
                territory.lengths[part] >> depth & 1 == 1 && self.patterns.is_met(parts[part])
            };
            let line_type = line_type(is, territory.alike);
            if let Some(line_type) = line_type {
                return Verdict::Valid(territory.region, line_type);
            }
            if is(LEADING) {
                return Verdict::Invalid;
            }
        }
        Verdict::Invalid
    }
}

fn line_type(is: impl Fn(usize) -> bool, alike: bool) -> Option<LineType> {
    if !is(GENERAL) {
        return None;
    }
    if let Some(special) = (0..SPECIAL.len()).find(|index| is(GENERAL + 1 + index)) {
        return Some(SPECIAL[special]);
    }
    match (is(FIXED), alike || is(MOBILE)) {
        (true, true) => Some(LineType::FixedLineOrMobile),
        (true, false) => Some(LineType::FixedLine),
        (false, true) if !alike => Some(LineType::Mobile),
        (false, _) => None,
    }
}

/// The library's lists of lengths: an empty one allows all, -1 stands for "there are none".
fn length_bits(lengths: &[i32]) -> u32 {
    if lengths.is_empty() {
        return u32::MAX;
    }
    lengths
        .iter()
        .filter_map(|length| u32::try_from(*length).ok())
        .fold(0, |bits, length| bits | 1 << length)
}
