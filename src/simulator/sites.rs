//! The towns that events come from: offices, travel, data centres, and countries that a firewall rule refuses.

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
    pub(super) zone: i64,
}

const fn site(
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
    site("Canada", "CA", "Ontario", "Toronto", (43.6532, -79.3832), -5),
    site("Netherlands", "NL", "North Holland", "Amsterdam", (52.3676, 4.9041), 1),
    site("Portugal", "PT", "Lisbon", "Lisbon", (38.7223, -9.1393), 0),
    site("Japan", "JP", "Osaka", "Osaka", (34.6937, 135.5023), 9),
    site("Brazil", "BR", "São Paulo", "São Paulo", (-23.5558, -46.6396), -3),
];

/// Towns that people travel to.
pub(super) const AWAY: [Site; 5] = [
    site("Germany", "DE", "Bavaria", "Munich", (48.1374, 11.5755), 1),
    site("United States", "US", "Texas", "Austin", (30.2672, -97.7431), -6),
    site("Denmark", "DK", "Capital Region", "København", (55.6761, 12.5683), 1),
    site("Singapore", "SG", "Singapore", "Singapore", (1.3521, 103.8198), 8),
    site("Poland", "PL", "Łódź Voivodeship", "Łódź", (51.7592, 19.456), 1),
];

/// Towns with data centres from which passwords are tried.
pub(super) const HOSTING: [Site; 4] = [
    site("United States", "US", "Virginia", "Ashburn", (39.0438, -77.4874), -5),
    site("Romania", "RO", "Bucharest", "Bucharest", (44.4268, 26.1025), 2),
    site("Vietnam", "VN", "Hanoi", "Hà Nội", (21.0278, 105.8342), 7),
    site("Iceland", "IS", "Capital Region", "Reykjavík", (64.1466, -21.9426), 0),
];

/// Towns in countries that the company's firewall rule refuses.
pub(super) const REFUSED: [Site; 3] = [
    site("Belarus", "BY", "Minsk City", "Minsk", (53.9006, 27.559), 3),
    site("Myanmar", "MM", "Yangon", "Yangon", (16.8409, 96.1735), 6),
    site("Venezuela", "VE", "Capital District", "Caracas", (10.4806, -66.9036), -4),
];
