//! The made-up company whose events the simulator serves: its people, service accounts, devices, vaults and
//! groups.
//!
//! Everything here follows from the seed. Addresses come from the ranges reserved for documentation
//! (RFC 5737, RFC 3849), host names from `.example`, so that nobody real is ever shown. How events are
//! written is not known here.

use super::random::{Id, SeededRandom};
use super::sites::OFFICES;

/// Where the company's mail goes.
const DOMAIN: &str = "kestrelvane.example";

/// A computer's operating system, and what 1Password calls its app there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Laptop {
    Mac,
    Windows,
    Linux,
}

use Laptop::{Linux, Mac, Windows};

/// Name, the part of the address before the @, office, laptop, and whether an administrator.
const STAFF: [(&str, &str, usize, Laptop, bool); 44] = [
    ("Margaret Oyelaran", "margaret.oyelaran", 0, Mac, true),
    ("Zoë Vermeulen", "zoe.vermeulen", 1, Mac, true),
    ("Rafael Antunes", "rafael.antunes", 2, Linux, true),
    ("佐藤 健一", "kenichi.sato", 3, Windows, true),
    ("Luíza Figueiredo", "luiza.figueiredo", 4, Mac, false),
    ("Siobhán Ní Bhriain", "siobhan.nibhriain", 0, Mac, false),
    ("Étienne Lachance", "etienne.lachance", 0, Windows, false),
    ("Priya Raghunathan", "priya.raghunathan", 0, Mac, false),
    ("Dwayne Whitfield", "dwayne.whitfield", 0, Windows, false),
    ("Nguyễn Thị Hương", "huong.nguyen", 0, Mac, false),
    ("Noah Tremblay", "noah.tremblay", 0, Linux, false),
    ("Amelia Fitzgerald-Cho", "amelia.fitzgerald-cho", 0, Mac, false),
    ("Gurpreet Dhaliwal", "gurpreet.dhaliwal", 0, Windows, false),
    ("Maëlle Bouchard", "maelle.bouchard", 0, Windows, false),
    ("Jack O'Rourke", "jack.orourke", 0, Mac, false),
    ("Annelies de Wit", "annelies.dewit", 1, Mac, false),
    ("Søren Østergaard", "soren.ostergaard", 1, Linux, false),
    ("İpek Yıldırım", "ipek.yildirim", 1, Mac, false),
    ("Jürgen Weiß", "jurgen.weiss", 1, Windows, false),
    ("Katarzyna Wiśniewska", "katarzyna.wisniewska", 1, Windows, false),
    ("Bram van den Heuvel", "bram.vandenheuvel", 1, Mac, false),
    ("Chiara D'Angelo", "chiara.dangelo", 1, Mac, false),
    ("Þórdís Jónsdóttir", "thordis.jonsdottir", 1, Linux, false),
    ("Fatoumata Diallo", "fatoumata.diallo", 1, Windows, false),
    ("Ondřej Dvořák", "ondrej.dvorak", 1, Linux, false),
    ("João Magalhães", "joao.magalhaes", 2, Mac, false),
    ("Inês Conceição", "ines.conceicao", 2, Mac, false),
    ("Tiago Brandão", "tiago.brandao", 2, Windows, false),
    ("Beatriz Simões", "beatriz.simoes", 2, Windows, false),
    ("Ελένη Παπαδάκη", "eleni.papadaki", 2, Mac, false),
    ("Duarte Peixoto", "duarte.peixoto", 2, Linux, false),
    ("Mariana Lourenço", "mariana.lourenco", 2, Mac, false),
    ("田中 美咲", "misaki.tanaka", 3, Mac, false),
    ("鈴木 大輔", "daisuke.suzuki", 3, Windows, false),
    ("陳美玲", "meiling.chen", 3, Mac, false),
    ("김서연", "seoyeon.kim", 3, Windows, false),
    ("Haruka Yamamoto", "haruka.yamamoto", 3, Mac, false),
    ("Thiago Gonçalves", "thiago.goncalves", 4, Windows, false),
    ("Marília Araújo", "marilia.araujo", 4, Mac, false),
    ("Caetano Ribeiro", "caetano.ribeiro", 4, Linux, false),
    ("Núria Puig", "nuria.puig", 2, Mac, false),
    ("Олена Ковальчук", "olena.kovalchuk", 1, Mac, false),
    ("Tom Li", "tom.li", 0, Mac, false),
    ("Anne-Sophie Desrosiers-Montgomery", "as.desrosiers-montgomery", 0, Windows, false),
];

/// Names that contractors are put together from.
const GIVEN: [&str; 12] = [
    "Adrian", "Bianca", "Corin", "Daria", "Emeka", "Freya", "Gilles", "Hana", "Ivo", "Jelena", "Kofi",
    "Linnéa",
];
const FAMILY: [&str; 13] = [
    "Abernathy",
    "Bellweather",
    "Castellanos",
    "Drăgulescu",
    "Eklund",
    "Fontaine",
    "Grzelak",
    "Halloran",
    "Ibáñez",
    "Järvinen",
    "Kovačević",
    "Lindqvist",
    "Mbeki",
];

/// Which app an event came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum App {
    /// The browser extension, where most items are filled.
    Extension,
    /// The app on the laptop.
    Desktop,
    /// The app on the phone.
    Phone,
    /// 1password.com in a browser.
    Web,
    /// `op`.
    CommandLine,
    /// What provisions people from the company's directory; service accounts alone have it.
    ScimBridge,
}

/// Somebody who can sign in.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) uuid: Id,
    pub(super) name: String,
    pub(super) email: String,
    /// Index into [`OFFICES`].
    pub(super) home: usize,
    laptop: Laptop,
    android: bool,
    /// What the laptop or the server calls itself; the service shows it as `platform_name`.
    host: String,
    /// The laptop and the phone.
    pub(super) devices: [Id; 2],
    number: usize,
}

impl Person {
    /// The person's number: staff count from 0, contractors and service accounts have numbers of their own.
    pub(super) fn number(&self) -> u64 {
        self.number as u64
    }

    /// The number by which the account knows the person; audit events show it as `aux_id`.
    pub(super) fn numeric_id(&self) -> u64 {
        1_204_417 + self.number() * 1_931
    }

    /// How busy the person is in this hour of a week that begins on Monday, UTC: 0 to 100.
    pub(super) fn activity(&self, hour_of_week: u64, weekend_rest: bool) -> u64 {
        let local = (hour_of_week as i64 + OFFICES[self.home].zone).rem_euclid(168);
        let of_day = match local % 24 {
            0..=5 => 2,
            6 => 10,
            7 => 35,
            8 => 85,
            9..=11 => 100,
            12 => 60,
            13..=16 => 95,
            17 => 60,
            18..=20 => 22,
            _ => 9,
        };
        if weekend_rest && local / 24 >= 5 { of_day / 6 } else { of_day }
    }

    /// The address the person is seen from: the office's, or their own at home.
    pub(super) fn address(&self, in_office: bool) -> String {
        let office = self.home;
        if in_office {
            format!("192.0.2.{}", 10 + office)
        } else {
            format!("198.51.100.{}", 10 + self.number)
        }
    }

    /// The `client` object up to its address, which follows as a JSON string and a closing brace.
    pub(super) fn client(&self, app: App) -> String {
        let (os, version) = match self.laptop {
            Mac => ("MacOSX", ["15.7.1", "26.0.1"][self.number % 2]),
            Windows => ("Windows", ["10.0.22631", "10.0.26200"][self.number % 2]),
            Linux => ("Linux", ["6.12.48", "6.17.7"][self.number % 2]),
        };
        let desktop = match self.laptop {
            Mac => "1Password for Mac",
            Windows => "1Password for Windows",
            Linux => "1Password for Linux",
        };
        let browser = match self.number % 4 {
            0 => ("Firefox", "145.0"),
            1 if self.laptop == Mac => ("Safari", "26.1"),
            _ => ("Chrome", "142.0.7444.60"),
        };
        let fields = match app {
            App::Extension => ["1Password Browser Extension", "81118038", browser.0, browser.1, os, version],
            App::Desktop => [desktop, "81118036", &self.host, "", os, version],
            App::Phone if self.android => {
                ["1Password for Android", "81118034", "Pixel 9", "google", "Android", "16"]
            }
            App::Phone => ["1Password for iOS", "81118035", "iPhone", "iPhone17,1", "iOS", "26.1"],
            App::Web => ["1Password for Web", "2118", browser.0, browser.1, os, version],
            App::CommandLine => ["1Password CLI", "2320001", &self.host, "arm64", os, version],
            App::ScimBridge => ["1Password SCIM Bridge", "20912", &self.host, "", "Linux", version],
        };
        let keys = ["app_name", "app_version", "platform_name", "platform_version", "os_name", "os_version"];
        let mut text = String::from("{");
        for (key, value) in keys.iter().zip(fields).filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("\"{key}\":\"{value}\","));
        }
        text + "\"ip_address\":"
    }
}

/// What a laptop calls itself: the name that its system gives it, or that its owner chose.
fn host(laptop: Laptop, mailbox: &str, random: &mut SeededRandom) -> String {
    let (given, family) = mailbox.split_once('.').unwrap_or((mailbox, "host"));
    match laptop {
        Mac => {
            let mut letters = given.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase()).unwrap_or('X');
            format!("{first}{}s-MacBook-Pro.local", letters.as_str())
        }
        Windows => format!("DESKTOP-{}", &random.id().as_str()[..7]),
        Linux => format!("{}-fw13", family.split('-').next().unwrap_or(family)),
    }
}

/// The company.
#[derive(Clone, Debug)]
pub(super) struct Company {
    seed: u64,
    pub(super) account: Id,
    /// The Events Reporting integration that the token belongs to.
    pub(super) integration: Id,
    pub(super) people: Vec<Person>,
    /// How many of `people`, from the first on, administer the account.
    pub(super) administrators: usize,
    /// What acts without a person: the SCIM bridge, then the build server.
    pub(super) services: [Person; 2],
    pub(super) vaults: Vec<Id>,
    pub(super) groups: Vec<Id>,
}

/// The groups' names, in the order of their identifiers.
pub(super) const GROUPS: [&str; 9] = [
    "Administrators",
    "Owners",
    "Team Members",
    "Security",
    "Finance",
    "Engineering",
    "Support",
    "People",
    "Contractors",
];

impl Company {
    /// The company of this seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = SeededRandom::new(&[seed, 0xc0]);
        let account = random.id();
        let integration = random.id();
        let vaults = (0..17).map(|_| random.lower_id()).collect();
        let groups = (0..9).map(|_| random.lower_id()).collect();
        let people = (0..STAFF.len())
            .map(|number| {
                let (name, mailbox, home, laptop, _) = STAFF[number];
                let mut random = SeededRandom::new(&[seed, 0xc1, number as u64]);
                Person {
                    uuid: random.id(),
                    name: name.to_owned(),
                    email: format!("{mailbox}@{DOMAIN}"),
                    home,
                    laptop,
                    android: random.in_thousand(400),
                    devices: [random.lower_id(), random.lower_id()],
                    host: host(laptop, mailbox, &mut random),
                    number,
                }
            })
            .collect();
        let administrators = STAFF.iter().take_while(|(.., administrator)| *administrator).count();
        let services = [
            service(seed, 0, "SCIM Bridge", "op-scim-bridge-6c7f9d5b84-x7kqz"),
            service(seed, 1, "Build server", "runner-k8s-build-03"),
        ];
        Company { seed, account, integration, people, administrators, services, vaults, groups }
    }

    /// The contractor of this incident; another one each time.
    pub(super) fn contractor(&self, incident: u64) -> Person {
        let mut random = SeededRandom::new(&[self.seed, 0xc2, incident]);
        let given = GIVEN[(incident % GIVEN.len() as u64) as usize];
        let family = FAMILY[(incident % FAMILY.len() as u64) as usize];
        let number = random.below(90) as usize;
        Person {
            uuid: random.id(),
            name: format!("{given} {family}"),
            email: format!("contractor-{:04}@{DOMAIN}", incident % 10_000),
            home: random.below(OFFICES.len() as u64) as usize,
            laptop: *random.pick(&[Mac, Windows, Linux]),
            android: random.in_thousand(500),
            devices: [random.lower_id(), random.lower_id()],
            host: format!("contractor-{:04}", incident % 10_000),
            number: 100 + number,
        }
    }

    /// How busy the whole company is in this hour of the week, UTC.
    pub(super) fn activity(&self, hour_of_week: u64, weekend_rest: bool) -> u64 {
        self.people.iter().map(|person| person.activity(hour_of_week, weekend_rest)).sum()
    }

    /// Somebody who is at work in this hour of the week, UTC: an index into `people`. `None` when those who
    /// were looked for are asleep, as most are at night: then the service accounts act.
    pub(super) fn somebody(&self, random: &mut SeededRandom, hour_of_week: u64) -> Option<usize> {
        (0..6)
            .map(|_| (random.below(self.people.len() as u64) as usize, random.below(100)))
            .find(|(somebody, chance)| *chance < self.people[*somebody].activity(hour_of_week, true))
            .map(|(somebody, _)| somebody)
    }

    /// An item of a vault; each vault has its own few hundred.
    pub(super) fn item(&self, vault: usize, item: u64) -> Id {
        SeededRandom::new(&[self.seed, 0xc3, vault as u64, item]).lower_id()
    }
}

/// A service account: no person, no laptop, and the suffix by which the service tells them.
fn service(seed: u64, number: usize, name: &str, host: &str) -> Person {
    let mut random = SeededRandom::new(&[seed, 0xc4, number as u64]);
    let uuid = random.id();
    Person {
        uuid,
        name: name.to_owned(),
        email: format!("{}@1passwordserviceaccounts.com", random.lower_id()),
        home: 1,
        laptop: Linux,
        android: false,
        devices: [random.lower_id(), random.lower_id()],
        host: host.to_owned(),
        number: 200 + number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_one_company() {
        let (one, same, other) = (Company::new(1), Company::new(1), Company::new(2));
        assert_eq!(one.account, same.account);
        assert_ne!(one.account, other.account);
        assert_eq!(one.people[3].uuid, same.people[3].uuid);
        assert_eq!(one.administrators, 4);
        assert_ne!(one.contractor(5).email, one.contractor(6).email);
    }

    #[test]
    fn people_sleep_at_night_and_rest_at_the_weekend() {
        let company = Company::new(1);
        let amsterdam = &company.people[1];
        assert!(amsterdam.activity(9, true) > 10 * amsterdam.activity(2, true));
        assert!(amsterdam.activity(9, true) > 5 * amsterdam.activity(5 * 24 + 9, true));
        let osaka = &company.people[3];
        assert!(osaka.activity(1, true) > 50, "Monday 01:00 UTC is Monday morning in Osaka");
    }

    #[test]
    fn clients_are_json_up_to_the_address() {
        let company = Company::new(1);
        for person in company.people.iter().chain(&company.services) {
            for app in [App::Extension, App::Desktop, App::Phone, App::Web, App::CommandLine, App::ScimBridge]
            {
                let text = person.client(app) + "\"192.0.2.1\"}";
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
        }
    }
}
