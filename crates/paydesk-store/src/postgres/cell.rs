//! One value of a row, as the protocol wants it.

use std::error::Error;

use bytes::BytesMut;
use paydesk_core::time::Timestamp;
use tokio_postgres::types::{IsNull, ToSql, Type};
use uuid::Uuid;

/// One value of a row.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cell {
    Null,
    Small(i16),
    Integer(i64),
    Flag(bool),
    Id(Uuid),
    Bytes(Vec<u8>),
    Text(String),
    Texts(Vec<String>),
    Ids(Vec<Uuid>),
    Smalls(Vec<i16>),
}

impl ToSql for Cell {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // Checked: a parameter whose type the server sees otherwise is an error, not other bytes.
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Small(n) => n.to_sql_checked(ty, out),
            Self::Integer(n) => n.to_sql_checked(ty, out),
            Self::Flag(flag) => flag.to_sql_checked(ty, out),
            Self::Id(id) => id.to_sql_checked(ty, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(ty, out),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Texts(texts) => texts.to_sql_checked(ty, out),
            Self::Ids(ids) => ids.to_sql_checked(ty, out),
            Self::Smalls(numbers) => numbers.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

impl From<Option<Timestamp>> for Cell {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Null, |at| Self::Integer(at.as_millis()))
    }
}

impl From<Option<Uuid>> for Cell {
    fn from(id: Option<Uuid>) -> Self {
        id.map_or(Self::Null, Self::Id)
    }
}

impl Cell {
    /// As what it is sent where the server is not asked first.
    pub(super) const fn ty(&self) -> Type {
        match self {
            Self::Null | Self::Text(_) => Type::TEXT,
            Self::Small(_) => Type::INT2,
            Self::Integer(_) => Type::INT8,
            Self::Flag(_) => Type::BOOL,
            Self::Id(_) => Type::UUID,
            Self::Bytes(_) => Type::BYTEA,
            Self::Texts(_) => Type::TEXT_ARRAY,
            Self::Ids(_) => Type::UUID_ARRAY,
            Self::Smalls(_) => Type::INT2_ARRAY,
        }
    }
}

/// A number from a small set, as a column of type `smallint` has it.
pub(super) fn small(n: i64) -> Cell {
    Cell::Small(i16::try_from(n).unwrap_or(i16::MAX))
}
