//! Arguments, columns, rows and values, and which Rust types they are.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Arguments, Column, ColumnIndex, Decode, Encode, Error, IntoArguments, Row, Type, TypeInfo};

use super::database::Servers;

/// The types both databases have: SQLite's storage classes ("Datatypes In SQLite", section 2), which PostgreSQL calls
/// BIGINT, DOUBLE PRECISION, TEXT and BYTEA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbType {
    /// Nothing, of no known type.
    Null,
    /// A signed number of 64 bits.
    Integer,
    /// A floating-point number.
    Real,
    /// Characters.
    Text,
    /// Bytes.
    Blob,
}

/// A value, owned. What is missing still has the type of what is missing, because PostgreSQL prepares by it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null(DbType),
    /// A signed number of 64 bits.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Characters.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl DbType {
    const fn of(value: &Value) -> Self {
        match value {
            Value::Null(_) => Self::Null,
            Value::Integer(_) => Self::Integer,
            Value::Real(_) => Self::Real,
            Value::Text(_) => Self::Text,
            Value::Blob(_) => Self::Blob,
        }
    }
}

impl std::fmt::Display for DbType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl TypeInfo for DbType {
    fn is_null(&self) -> bool {
        *self == Self::Null
    }

    fn name(&self) -> &str {
        match self {
            Self::Null => "NULL",
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text => "TEXT",
            Self::Blob => "BLOB",
        }
    }
}

/// What is bound to a statement's parameters, `$1` first.
#[derive(Debug, Default)]
pub struct DbArguments(Vec<Value>);

impl DbArguments {
    pub(super) fn values(&self) -> &[Value] {
        &self.0
    }
}

impl Arguments for DbArguments {
    type Database = Servers;

    fn reserve(&mut self, additional: usize, _: usize) {
        self.0.reserve(additional);
    }

    fn add<'t, T>(&mut self, value: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Servers> + Type<Servers>,
    {
        match value.encode(&mut self.0)? {
            IsNull::Yes => self.0.push(Value::Null(T::type_info())),
            IsNull::No => {}
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl IntoArguments<Servers> for DbArguments {
    fn into_arguments(self) -> DbArguments {
        self
    }
}

/// A column of an answer.
#[derive(Debug, Clone)]
pub struct DbColumn {
    ordinal: usize,
    name: Box<str>,
}

/// The columns of these names.
pub(super) fn columns<'a>(names: impl Iterator<Item = &'a str>) -> Arc<[DbColumn]> {
    names.enumerate().map(|(ordinal, name)| DbColumn { ordinal, name: name.into() }).collect()
}

impl Column for DbColumn {
    type Database = Servers;

    fn ordinal(&self) -> usize {
        self.ordinal
    }

    fn name(&self) -> &str {
        &self.name
    }

    /// Columns have no type here; values have.
    fn type_info(&self) -> &DbType {
        &DbType::Null
    }
}

/// A row, read.
pub struct DbRow {
    columns: Arc<[DbColumn]>,
    values: Box<[Value]>,
}

impl std::fmt::Debug for DbRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DbRow").field("columns", &self.columns.len()).finish_non_exhaustive()
    }
}

impl DbRow {
    pub(super) fn new(columns: &Arc<[DbColumn]>, values: Box<[Value]>) -> Self {
        debug_assert_eq!(columns.len(), values.len());
        Self { columns: Arc::clone(columns), values }
    }
}

impl Row for DbRow {
    type Database = Servers;

    fn columns(&self) -> &[DbColumn] {
        &self.columns
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, index: I) -> Result<DbValueRef<'_>, Error> {
        Ok(DbValueRef(&self.values[index.index(self)?]))
    }
}

impl ColumnIndex<DbRow> for usize {
    fn index(&self, row: &DbRow) -> Result<usize, Error> {
        let len = row.values.len();
        if *self < len { Ok(*self) } else { Err(Error::ColumnIndexOutOfBounds { index: *self, len }) }
    }
}

impl ColumnIndex<DbRow> for str {
    fn index(&self, row: &DbRow) -> Result<usize, Error> {
        let found = row.columns.iter().position(|column| &*column.name == self);
        found.ok_or_else(|| Error::ColumnNotFound(self.to_owned()))
    }
}

/// A value taken out of its row.
pub struct DbValue(Value);

impl sqlx::Value for DbValue {
    type Database = Servers;

    fn as_ref(&self) -> DbValueRef<'_> {
        DbValueRef(&self.0)
    }

    fn type_info(&self) -> Cow<'_, DbType> {
        Cow::Owned(DbType::of(&self.0))
    }

    fn is_null(&self) -> bool {
        matches!(self.0, Value::Null(_))
    }
}

/// A value in its row.
#[derive(Clone, Copy)]
pub struct DbValueRef<'r>(&'r Value);

impl<'r> sqlx::ValueRef<'r> for DbValueRef<'r> {
    type Database = Servers;

    fn to_owned(&self) -> DbValue {
        DbValue(self.0.clone())
    }

    fn type_info(&self) -> Cow<'_, DbType> {
        Cow::Owned(DbType::of(self.0))
    }

    fn is_null(&self) -> bool {
        matches!(self.0, Value::Null(_))
    }
}

/// What a value is when it is not what was asked for.
fn unexpected(value: DbValueRef<'_>) -> BoxDynError {
    format!("a value of type {} has another type", DbType::of(value.0)).into()
}

/// Numbers that are kept as integers.
macro_rules! integers {
    ($($number:ty),*) => {$(
        impl Type<Servers> for $number {
            fn type_info() -> DbType {
                DbType::Integer
            }
        }

        impl Encode<'_, Servers> for $number {
            fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
                buffer.push(Value::Integer(i64::from(*self)));
                Ok(IsNull::No)
            }
        }

        impl<'r> Decode<'r, Servers> for $number {
            fn decode(value: DbValueRef<'r>) -> Result<Self, BoxDynError> {
                match value.0 {
                    Value::Integer(number) => Ok(Self::try_from(*number)?),
                    _ => Err(unexpected(value)),
                }
            }
        }
    )*};
}

integers!(i64, i32, i16, u32, u16, u8);

impl Type<Servers> for bool {
    fn type_info() -> DbType {
        DbType::Integer
    }
}

impl Encode<'_, Servers> for bool {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Integer(i64::from(*self)));
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Servers> for bool {
    fn decode(value: DbValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.0 {
            Value::Integer(number) => Ok(*number != 0),
            _ => Err(unexpected(value)),
        }
    }
}

impl Type<Servers> for str {
    fn type_info() -> DbType {
        DbType::Text
    }
}

impl Encode<'_, Servers> for &str {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Text((*self).to_owned()));
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Servers> for &'r str {
    fn decode(value: DbValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.0 {
            Value::Text(text) => Ok(text),
            _ => Err(unexpected(value)),
        }
    }
}

impl Type<Servers> for String {
    fn type_info() -> DbType {
        DbType::Text
    }
}

impl Encode<'_, Servers> for String {
    fn encode(self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Text(self));
        Ok(IsNull::No)
    }

    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        Encode::<Servers>::encode(self.as_str(), buffer)
    }
}

impl<'r> Decode<'r, Servers> for String {
    fn decode(value: DbValueRef<'r>) -> Result<Self, BoxDynError> {
        <&str as Decode<Servers>>::decode(value).map(str::to_owned)
    }
}

impl Type<Servers> for [u8] {
    fn type_info() -> DbType {
        DbType::Blob
    }
}

impl Encode<'_, Servers> for &[u8] {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Blob(self.to_vec()));
        Ok(IsNull::No)
    }
}

impl Type<Servers> for Vec<u8> {
    fn type_info() -> DbType {
        DbType::Blob
    }
}

impl Encode<'_, Servers> for Vec<u8> {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Blob(self.clone()));
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Servers> for Vec<u8> {
    fn decode(value: DbValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.0 {
            Value::Blob(bytes) => Ok(bytes.clone()),
            _ => Err(unexpected(value)),
        }
    }
}

impl<'q, T> Encode<'q, Servers> for Option<T>
where
    T: Encode<'q, Servers> + Type<Servers> + 'q,
{
    fn encode(self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        self.map_or(Ok(IsNull::Yes), |value| value.encode(buffer))
    }

    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        self.as_ref().map_or(Ok(IsNull::Yes), |value| value.encode_by_ref(buffer))
    }
}
