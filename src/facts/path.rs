//! The fields that facts are read from, as paths into the item. Data, and the one place that spells them.

use std::borrow::Cow;

use super::{Field, FoundFields, Lookup};

/// Declares the fields; a field's number is its slot in a [`Lookup::for_facts`].
macro_rules! fact_paths {
    ($($name:ident = $path:literal,)*) => {
        /// A field that facts are read from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum FactPath { $($name),* }
        const PATHS: &[&str] = &[$($path),*];
    };
}

fact_paths! {
    Category = "category",
    Type = "type",
    DetailsValue = "details.value",
    Country = "country",
    SignInSession = "session_uuid",
    Action = "action",
    Item = "item_uuid",
    Vault = "vault_uuid",
    Account = "account_uuid",
    ObjectType = "object_type",
    Object = "object_uuid",
    ObjectUserUuid = "object_details.uuid",
    ObjectUserName = "object_details.name",
    ObjectUserEmail = "object_details.email",
    ObjectUserType = "object_details.user_type",
    ObjectUserOtherType = "object_details.type",
    ObjectUserAccount = "object_details.user_account_uuid",
    Aux = "aux_uuid",
    AuxInfo = "aux_info",
    AuxUserUuid = "aux_details.uuid",
    AuxUserName = "aux_details.name",
    AuxUserEmail = "aux_details.email",
    AuxUserType = "aux_details.user_type",
    AuxUserOtherType = "aux_details.type",
    AuxUserAccount = "aux_details.user_account_uuid",
    TargetUuid = "target_user.uuid",
    TargetName = "target_user.name",
    TargetEmail = "target_user.email",
    TargetType = "target_user.user_type",
    TargetOtherType = "target_user.type",
    TargetAccount = "target_user.user_account_uuid",
    UserUuid = "user.uuid",
    UserName = "user.name",
    UserEmail = "user.email",
    UserType = "user.user_type",
    UserOtherType = "user.type",
    UserAccount = "user.user_account_uuid",
    ActorUuid = "actor_uuid",
    ActorType = "actor_type",
    ActorAccount = "actor_account_uuid",
    ActorUserUuid = "actor_details.uuid",
    ActorUserName = "actor_details.name",
    ActorUserEmail = "actor_details.email",
    ActorUserType = "actor_details.user_type",
    ActorUserOtherType = "actor_details.type",
    ActorUserAccount = "actor_details.user_account_uuid",
    AppName = "client.app_name",
    AppVersion = "client.app_version",
    PlatformName = "client.platform_name",
    PlatformVersion = "client.platform_version",
    OsName = "client.os_name",
    OsVersion = "client.os_version",
    ClientAddress = "client.ip_address",
    ClientIp = "client.ip",
    Session = "session.uuid",
    SessionDevice = "session.device_uuid",
    SessionIp = "session.ip",
    LocationCountry = "location.country",
    LocationRegion = "location.region",
    LocationCity = "location.city",
    Latitude = "location.latitude",
    Longitude = "location.longitude",
}

/// Where an event's addresses are.
pub(super) const ADDRESSES: &[FactPath] = &[FactPath::ClientAddress, FactPath::ClientIp, FactPath::SessionIp];

/// Where its countries are.
pub(super) const COUNTRIES: &[FactPath] = &[FactPath::LocationCountry, FactPath::Country];

const PLACES: [&[FactPath]; 2] = [ADDRESSES, COUNTRIES];

fn last_keys(paths: &[FactPath]) -> Vec<&'static str> {
    let keys = paths.iter().filter_map(|path| PATHS[*path as usize].rsplit('.').next());
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl Lookup {
    /// The paths of the fields that facts are read from.
    pub fn fact_paths() -> impl Iterator<Item = &'static str> {
        PATHS.iter().copied()
    }

    /// The keys that addresses stand under, in whatever object.
    pub fn address_keys() -> Vec<&'static str> {
        last_keys(ADDRESSES)
    }

    /// The keys that countries stand under, in whatever object.
    pub fn country_keys() -> Vec<&'static str> {
        last_keys(COUNTRIES)
    }

    /// An index for [`EventFacts::addresses`](super::EventFacts::addresses) and
    /// [`EventFacts::countries`](super::EventFacts::countries) alone, which takes half the time; other facts
    /// seem to be missing.
    pub fn for_places() -> Lookup {
        let mut lookup = Lookup::with_slots(PATHS.len());
        for path in PLACES.iter().flat_map(|paths| paths.iter()) {
            lookup.add_at(PATHS[*path as usize], *path as usize);
        }
        lookup
    }

    /// An index for `text`, `user` and `label` of these [`Field`]s alone; other facts seem to
    /// be missing.
    pub fn for_fields(fields: impl IntoIterator<Item = Field>) -> Lookup {
        let paths: Option<Vec<_>> = fields.into_iter().map(Field::paths).collect();
        let Some(paths) = paths else { return Lookup::for_facts() };
        let mut lookup = Lookup::with_slots(PATHS.len());
        for path in paths.iter().flat_map(|paths| paths.iter()) {
            lookup.add_at(PATHS[*path as usize], *path as usize);
        }
        lookup
    }

    /// An index of the fields that [`EventFacts`](super::EventFacts) reads; more paths can be added.
    pub fn for_facts() -> Lookup {
        let mut lookup = Lookup::with_slots(0);
        for (slot, path) in PATHS.iter().enumerate() {
            let added = lookup.add(path);
            debug_assert_eq!(added, slot);
        }
        lookup
    }
}

impl FactPath {
    /// The field's text, empty when there is none.
    pub(super) fn text<'a>(self, found: &FoundFields<'a, '_>) -> Cow<'a, str> {
        let slot = self as usize;
        if found.is_nested(slot) { Cow::Borrowed("") } else { found.text(slot) }
    }

    /// The text of the first of the fields that is not empty.
    pub(super) fn first<'a>(paths: &[FactPath], found: &FoundFields<'a, '_>) -> Cow<'a, str> {
        paths.iter().map(|path| path.text(found)).find(|text| !text.is_empty()).unwrap_or_default()
    }
}
