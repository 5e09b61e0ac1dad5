//! Where sign-ins came from, and who was at two places faster than an aircraft flies.

use std::collections::HashMap;

use super::counter::{CountKey, KeyCount};
use super::texts::{Renumbering, TextId, Texts};
use crate::facts::LocationFacts;

/// Nearer places than this are no journey, in kilometres.
const SHORTEST_KM: f64 = 500.0;

/// Slower journeys than this are possible, in kilometres an hour.
const FASTEST_KMH: f64 = 900.0;

/// The mean radius of the Earth, in kilometres.
const EARTH_KM: f64 = 6371.0;

/// Coordinates are kept in ten-thousandths of a degree, some ten metres.
const UNITS: f64 = 10_000.0;

/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// A place, by name and coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) country: TextId,
    pub(super) city: TextId,
    latitude: i32,
    longitude: i32,
}

impl Place {
    /// The place of an event in a country; none without coordinates.
    pub(super) fn of(location: &LocationFacts<'_>, country: TextId, texts: &mut Texts) -> Option<Place> {
        let (latitude, longitude) = location.coordinates?;
        let units = |degrees: f64| (degrees * UNITS).round() as i32;
        Some(Place {
            country,
            city: texts.add(&location.city),
            latitude: units(latitude),
            longitude: units(longitude),
        })
    }

    /// Degrees north and east.
    pub(super) fn degrees(&self) -> (f64, f64) {
        (f64::from(self.latitude) / UNITS, f64::from(self.longitude) / UNITS)
    }

    fn renumbered(self, numbers: &mut Renumbering<'_>, into: &mut Texts) -> Self {
        let (country, city) = (numbers.of(self.country, into), numbers.of(self.city, into));
        Place { country, city, ..self }
    }
}

impl CountKey for Place {
    fn renumbered(self, numbers: &mut Renumbering<'_>, into: &mut Texts) -> Self {
        Place::renumbered(self, numbers, into)
    }
}

/// Sign-ins of a place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PlaceCount {
    pub(super) succeeded: u64,
    pub(super) failed: u64,
}

impl KeyCount for PlaceCount {
    fn merge(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
    }

    fn weight(&self) -> u64 {
        self.succeeded + self.failed
    }

    fn take_off(&mut self, events: u64) {
        let of_failed = self.failed.min(events);
        self.failed -= of_failed;
        self.succeeded = self.succeeded.saturating_sub(events - of_failed);
    }
}

/// Kilometres between two points on the globe, each in degrees north and east: the haversine formula.
pub(super) fn distance_km((lat_a, lon_a): (f64, f64), (lat_b, lon_b): (f64, f64)) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let across = lat_a.to_radians().cos() * lat_b.to_radians().cos() * half(lon_a, lon_b);
    2.0 * EARTH_KM * (half(lat_a, lat_b) + across).sqrt().min(1.0).asin()
}

/// A user at a place in an hour. Only the first and the last moment of it are kept, which bounds the memory and loses
/// no journey: a place that is far enough away lies within half an hour of one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct StayKey {
    user: TextId,
    place: Place,
    hour: i64,
}

impl StayKey {
    pub(super) fn new(user: TextId, place: Place, time: i64) -> Self {
        StayKey { user, place, hour: time.div_euclid(HOUR) }
    }
}

impl CountKey for StayKey {
    fn renumbered(self, numbers: &mut Renumbering<'_>, into: &mut Texts) -> Self {
        StayKey {
            user: numbers.of(self.user, into),
            place: self.place.renumbered(numbers, into),
            hour: self.hour,
        }
    }
}

/// A journey that no aircraft makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Journey {
    pub(super) user: TextId,
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) km: f64,
    /// When the user was at the first place, and at the second, in microseconds since 1970.
    pub(super) left: i64,
    pub(super) arrived: i64,
}

impl Journey {
    /// Kilometres an hour; infinite where both moments are one.
    pub(super) fn speed(&self) -> f64 {
        self.km / ((self.arrived - self.left) as f64 / HOUR as f64)
    }
}

/// The journeys between stays, of which first and last moments are given, by their ends.
pub(super) fn journeys(
    stays: impl Iterator<Item = (StayKey, (i64, i64))>,
    label: impl Fn(TextId) -> TextId,
    texts: &Texts,
) -> Vec<Journey> {
    let mut by_user: HashMap<TextId, Vec<(i64, Place)>> = HashMap::new();
    for (StayKey { user, place, .. }, (first, last)) in stays {
        let moments = by_user.entry(label(user)).or_default();
        moments.push((first, place));
        if last > first {
            moments.push((last, place));
        }
    }
    let mut found = Vec::new();
    for (user, mut moments) in by_user {
        let names = |place: &Place| {
            (place.latitude, place.longitude, texts.get(place.country), texts.get(place.city))
        };
        moments.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| names(one).cmp(&names(other))));
        for pair in moments.windows(2) {
            let ((left, from), (arrived, to)) = (pair[0], pair[1]);
            let km = distance_km(from.degrees(), to.degrees());
            let journey = Journey { user, from, to, km, left, arrived };
            if km > SHORTEST_KM && journey.speed() > FASTEST_KMH {
                found.push(journey);
            }
        }
    }
    found.sort_by(|a, b| {
        b.arrived
            .cmp(&a.arrived)
            .then_with(|| texts.get(a.user).cmp(texts.get(b.user)))
            .then(a.km.total_cmp(&b.km))
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let (amsterdam, osaka) = ((52.3676, 4.9041), (34.6937, 135.5023));
        let km = distance_km(amsterdam, osaka);
        assert!((9_210.0..9_220.0).contains(&km), "{km}");
        assert!((distance_km((0.0, -179.5), (0.0, 179.5)) - 111.2).abs() < 0.1);
        assert_eq!(distance_km(osaka, osaka), 0.0);
    }
}
