//! A user as an event names them: in the object of their role, and beside it.

use std::borrow::Cow;

use super::FoundFields;
use super::names::Names;
use super::path::FactPath;

/// The fields that tell of one user; of several for one thing the first that is there counts.
#[derive(Debug)]
pub(super) struct UserPaths {
    pub(super) uuid: &'static [FactPath],
    pub(super) name: FactPath,
    pub(super) email: FactPath,
    pub(super) kind: &'static [FactPath],
    pub(super) account: &'static [FactPath],
}

use FactPath as F;

pub(super) const TARGET_USER: UserPaths = UserPaths {
    uuid: &[F::TargetUuid],
    name: F::TargetName,
    email: F::TargetEmail,
    kind: &[F::TargetType, F::TargetOtherType],
    account: &[F::TargetAccount],
};

pub(super) const USAGE_USER: UserPaths = UserPaths {
    uuid: &[F::UserUuid],
    name: F::UserName,
    email: F::UserEmail,
    kind: &[F::UserType, F::UserOtherType],
    account: &[F::UserAccount],
};

pub(super) const AUDIT_ACTOR: UserPaths = UserPaths {
    uuid: &[F::ActorUuid, F::ActorUserUuid],
    name: F::ActorUserName,
    email: F::ActorUserEmail,
    kind: &[F::ActorType, F::ActorUserType, F::ActorUserOtherType],
    account: &[F::ActorAccount, F::ActorUserAccount],
};

pub(super) const OBJECT_USER: UserPaths = UserPaths {
    uuid: &[F::Object, F::ObjectUserUuid],
    name: F::ObjectUserName,
    email: F::ObjectUserEmail,
    kind: &[F::ObjectUserType, F::ObjectUserOtherType],
    account: &[F::ObjectUserAccount],
};

pub(super) const AUX_USER: UserPaths = UserPaths {
    uuid: &[F::Aux, F::AuxUserUuid],
    name: F::AuxUserName,
    email: F::AuxUserEmail,
    kind: &[F::AuxUserType, F::AuxUserOtherType],
    account: &[F::AuxUserAccount],
};

/// A user of an event; each text is empty where the event does not say.
#[derive(Clone, Copy, Debug)]
pub struct UserFacts<'a, 'b> {
    pub(super) found: FoundFields<'a, 'b>,
    pub(super) paths: &'static UserPaths,
    pub(super) names: Option<&'b Names>,
}

impl<'a> UserFacts<'a, '_> {
    /// Their uuid.
    pub fn uuid(&self) -> Cow<'a, str> {
        FactPath::first(self.paths.uuid, &self.found)
    }

    /// Their name at that time.
    pub fn name(&self) -> Cow<'a, str> {
        self.paths.name.text(&self.found)
    }

    /// Their e-mail address at that time.
    pub fn email(&self) -> Cow<'a, str> {
        self.paths.email.text(&self.found)
    }

    /// `user` or `external_user`, where the service says so.
    pub fn kind(&self) -> Cow<'a, str> {
        FactPath::first(self.paths.kind, &self.found)
    }

    /// Their own account, with a managed service provider.
    pub fn account_uuid(&self) -> Cow<'a, str> {
        FactPath::first(self.paths.account, &self.found)
    }

    /// Name, else address, as the event has them, else the name that is known of the uuid.
    pub fn called(&self) -> Cow<'a, str> {
        let called = FactPath::first(&[self.paths.name, self.paths.email], &self.found);
        match self.names.filter(|_| called.is_empty()).and_then(|names| names.of_user(&self.uuid())) {
            Some(name) => Cow::Owned(name.to_owned()),
            None => called,
        }
    }

    /// Name, else address, else uuid.
    pub fn label(&self) -> Cow<'a, str> {
        let called = self.called();
        if called.is_empty() { self.uuid() } else { called }
    }
}
