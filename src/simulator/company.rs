//! The made-up company whose events the simulator serves: its people, offices, devices, vaults, groups.
//!
//! Everything here follows from the seed. Addresses come from the ranges reserved for documentation
//! (RFC 5737, RFC 3849), host names from `.example`, so that nobody real is ever shown. How events are
//! written is not known here.

use super::random::{Id, SeededRandom};

/// Where the company's mail goes.
const DOMAIN: &str = "kestrelvane.example";

/// A town, as the service's geolocation would name it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) country: &'static str,
    pub(super) code: &'static str,
    pub(super) region: &'static str,
    pub(super) city: &'static str,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    /// Hours ahead of UTC.
    zone: i64,
}

const fn place(
    country: &'static str,
    code: &'static str,
    region: &'static str,
    city: &'static str,
    (latitude, longitude): (f64, f64),
    zone: i64,
) -> Site {
    Site { country, code, region, city, latitude, longitude, zone }
}

/// The towns with an office; a person's `home` is an index into these.
pub(super) const OFFICES: [Site; 5] = [
    place("Canada", "CA", "Ontario", "Toronto", (43.6532, -79.3832), -5),
    place("Netherlands", "NL", "North Holland", "Amsterdam", (52.3676, 4.9041), 1),
    place("Portugal", "PT", "Lisbon", "Lisbon", (38.7223, -9.1393), 0),
    place("Japan", "JP", "Osaka", "Osaka", (34.6937, 135.5023), 9),
    place("Brazil", "BR", "São Paulo", "São Paulo", (-23.5558, -46.6396), -3),
];

/// Towns that people travel to.
pub(super) const AWAY: [Site; 5] = [
    place("Germany", "DE", "Bavaria", "Munich", (48.1374, 11.5755), 1),
    place("United States", "US", "Texas", "Austin", (30.2672, -97.7431), -6),
    place("Denmark", "DK", "Capital Region", "København", (55.6761, 12.5683), 1),
    place("Singapore", "SG", "Singapore", "Singapore", (1.3521, 103.8198), 8),
    place("Poland", "PL", "Łódź Voivodeship", "Łódź", (51.7592, 19.456), 1),
];

/// Towns with data centres from which passwords are tried.
pub(super) const HOSTING: [Site; 4] = [
    place("United States", "US", "Virginia", "Ashburn", (39.0438, -77.4874), -5),
    place("Romania", "RO", "Bucharest", "Bucharest", (44.4268, 26.1025), 2),
    place("Vietnam", "VN", "Hanoi", "Hà Nội", (21.0278, 105.8342), 7),
    place("Iceland", "IS", "Capital Region", "Reykjavík", (64.1466, -21.9426), 0),
];

/// Towns in countries that the company's firewall rule refuses.
pub(super) const REFUSED: [Site; 3] = [
    place("Belarus", "BY", "Minsk City", "Minsk", (53.9006, 27.559), 3),
    place("Myanmar", "MM", "Yangon", "Yangon", (16.8409, 96.1735), 6),
    place("Venezuela", "VE", "Capital District", "Caracas", (10.4806, -66.9036), -4),
];

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
    /// The laptop and the phone.
    pub(super) devices: [Id; 2],
    number: usize,
}

impl Person {
    /// The person's number: staff count from 0, contractors have numbers of their own.
    pub(super) fn number(&self) -> u64 {
        self.number as u64
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
            Mac => ("1Password for Mac", "MacBook Pro"),
            Windows => ("1Password for Windows", "Latitude 7450"),
            Linux => ("1Password for Linux", "Framework Laptop 13"),
        };
        let browser = match self.number % 4 {
            0 => ("Firefox", "145.0"),
            1 if self.laptop == Mac => ("Safari", "26.1"),
            _ => ("Chrome", "142.0.7444.60"),
        };
        let fields = match app {
            App::Extension => ["1Password Browser Extension", "81118038", browser.0, browser.1, os, version],
            App::Desktop => [desktop.0, "81118036", desktop.1, "", os, version],
            App::Phone if self.android => {
                ["1Password for Android", "81118034", "Pixel 9", "google", "Android", "16"]
            }
            App::Phone => ["1Password for iOS", "81118035", "iPhone", "iPhone17,1", "iOS", "26.1"],
            App::Web => ["1Password for Web", "2118", browser.0, browser.1, os, version],
            App::CommandLine => ["1Password CLI", "2320001", "op", "arm64", os, version],
        };
        let keys = ["app_name", "app_version", "platform_name", "platform_version", "os_name", "os_version"];
        let mut text = String::from("{");
        for (key, value) in keys.iter().zip(fields).filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("\"{key}\":\"{value}\","));
        }
        text + "\"ip_address\":"
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
    pub(super) vaults: Vec<Id>,
    pub(super) groups: Vec<Id>,
}

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
                    number,
                }
            })
            .collect();
        let administrators = STAFF.iter().take_while(|(.., administrator)| *administrator).count();
        Company { seed, account, integration, people, administrators, vaults, groups }
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
            number: 100 + number,
        }
    }

    /// How busy the whole company is in this hour of the week, UTC.
    pub(super) fn activity(&self, hour_of_week: u64, weekend_rest: bool) -> u64 {
        self.people.iter().map(|person| person.activity(hour_of_week, weekend_rest)).sum()
    }

    /// Somebody among the first so many who may well be at work in this hour of the week, UTC: an index
    /// into `people`.
    pub(super) fn somebody(&self, random: &mut SeededRandom, hour_of_week: u64, among: usize) -> usize {
        let mut somebody = 0;
        for _ in 0..6 {
            somebody = random.below(among as u64) as usize;
            if random.below(100) < self.people[somebody].activity(hour_of_week, true) {
                break;
            }
        }
        somebody
    }

    /// An item of a vault; each vault has its own few hundred.
    pub(super) fn item(&self, vault: usize, item: u64) -> Id {
        SeededRandom::new(&[self.seed, 0xc3, vault as u64, item]).lower_id()
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
        for person in &Company::new(1).people {
            for app in [App::Extension, App::Desktop, App::Phone, App::Web, App::CommandLine] {
                let text = person.client(app) + "\"192.0.2.1\"}";
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
        }
    }
}
