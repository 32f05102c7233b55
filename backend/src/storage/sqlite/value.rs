//! Arguments, columns, rows and values, and which Rust types they are.

use std::borrow::Cow;
use std::sync::Arc;

use rusqlite::types::{Value, ValueRef};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Arguments, Column, ColumnIndex, Decode, Encode, Error, IntoArguments, Row, Type, TypeInfo};

use super::{Sqlite, failure};

/// The storage classes (SQLite, "Datatypes In SQLite", section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqliteType {
    /// Nothing.
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

impl SqliteType {
    const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(_) => Self::Integer,
            Value::Real(_) => Self::Real,
            Value::Text(_) => Self::Text,
            Value::Blob(_) => Self::Blob,
        }
    }
}

impl std::fmt::Display for SqliteType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl TypeInfo for SqliteType {
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
pub struct SqliteArguments(Vec<Value>);

impl SqliteArguments {
    pub(super) fn values(&self) -> &[Value] {
        &self.0
    }
}

impl Arguments for SqliteArguments {
    type Database = Sqlite;

    fn reserve(&mut self, additional: usize, _: usize) {
        self.0.reserve(additional);
    }

    fn add<'t, T>(&mut self, value: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Sqlite> + Type<Sqlite>,
    {
        match value.encode(&mut self.0)? {
            IsNull::Yes => self.0.push(Value::Null),
            IsNull::No => {}
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl IntoArguments<Sqlite> for SqliteArguments {
    fn into_arguments(self) -> SqliteArguments {
        self
    }
}

/// Binds arguments to parameters: `$7` is the seventh argument wherever it stands.
pub(super) fn bind(statement: &mut rusqlite::Statement<'_>, arguments: &[Value]) -> Result<(), Error> {
    for index in 1..=statement.parameter_count() {
        let named = statement.parameter_name(index).and_then(|name| name.get(1..)).map(str::parse::<usize>);
        let number = named.unwrap_or(Ok(index)).map_err(|_| Error::Protocol("a parameter is not a number".into()))?;
        let argument = number.checked_sub(1).and_then(|at| arguments.get(at));
        let argument = argument.ok_or_else(|| Error::Protocol(format!("no argument for parameter {number}")))?;
        statement.raw_bind_parameter(index, argument).map_err(failure::of)?;
    }
    Ok(())
}

/// A column of an answer.
#[derive(Debug, Clone)]
pub struct SqliteColumn {
    ordinal: usize,
    name: Box<str>,
}

impl Column for SqliteColumn {
    type Database = Sqlite;

    fn ordinal(&self) -> usize {
        self.ordinal
    }

    fn name(&self) -> &str {
        &self.name
    }

    /// Columns have no type in SQLite; values have.
    fn type_info(&self) -> &SqliteType {
        &SqliteType::Null
    }
}

/// The columns of a statement's rows.
pub(super) fn columns(statement: &rusqlite::Statement<'_>) -> Arc<[SqliteColumn]> {
    let names = statement.column_names().into_iter();
    names.enumerate().map(|(ordinal, name)| SqliteColumn { ordinal, name: name.into() }).collect()
}

/// A row, read.
pub struct SqliteRow {
    columns: Arc<[SqliteColumn]>,
    values: Box<[Value]>,
}

impl std::fmt::Debug for SqliteRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteRow").field("columns", &self.columns.len()).finish_non_exhaustive()
    }
}

impl SqliteRow {
    pub(super) fn read(row: &rusqlite::Row<'_>, columns: &Arc<[SqliteColumn]>) -> Result<Self, Error> {
        let value = |ordinal| {
            Ok(match row.get_ref(ordinal).map_err(failure::of)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Integer(number),
                ValueRef::Real(number) => Value::Real(number),
                ValueRef::Text(text) => {
                    let text = std::str::from_utf8(text).map_err(|error| Error::Decode(error.into()))?;
                    Value::Text(text.to_owned())
                }
                ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
            })
        };
        let values = (0..columns.len()).map(value).collect::<Result<_, Error>>()?;
        Ok(Self { columns: Arc::clone(columns), values })
    }
}

impl Row for SqliteRow {
    type Database = Sqlite;

    fn columns(&self) -> &[SqliteColumn] {
        &self.columns
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, index: I) -> Result<SqliteValueRef<'_>, Error> {
        Ok(SqliteValueRef(&self.values[index.index(self)?]))
    }
}

impl ColumnIndex<SqliteRow> for usize {
    fn index(&self, row: &SqliteRow) -> Result<usize, Error> {
        let len = row.values.len();
        if *self < len { Ok(*self) } else { Err(Error::ColumnIndexOutOfBounds { index: *self, len }) }
    }
}

impl ColumnIndex<SqliteRow> for str {
    fn index(&self, row: &SqliteRow) -> Result<usize, Error> {
        let found = row.columns.iter().position(|column| &*column.name == self);
        found.ok_or_else(|| Error::ColumnNotFound(self.to_owned()))
    }
}

/// A value taken out of its row.
pub struct SqliteValue(Value);

impl sqlx::Value for SqliteValue {
    type Database = Sqlite;

    fn as_ref(&self) -> SqliteValueRef<'_> {
        SqliteValueRef(&self.0)
    }

    fn type_info(&self) -> Cow<'_, SqliteType> {
        Cow::Owned(SqliteType::of(&self.0))
    }

    fn is_null(&self) -> bool {
        self.0 == Value::Null
    }
}

/// A value in its row.
#[derive(Clone, Copy)]
pub struct SqliteValueRef<'r>(&'r Value);

impl<'r> sqlx::ValueRef<'r> for SqliteValueRef<'r> {
    type Database = Sqlite;

    fn to_owned(&self) -> SqliteValue {
        SqliteValue(self.0.clone())
    }

    fn type_info(&self) -> Cow<'_, SqliteType> {
        Cow::Owned(SqliteType::of(self.0))
    }

    fn is_null(&self) -> bool {
        *self.0 == Value::Null
    }
}

/// What a value is when it is not what was asked for.
fn unexpected(value: SqliteValueRef<'_>) -> BoxDynError {
    format!("a value of type {} has another type", SqliteType::of(value.0)).into()
}

/// Numbers that SQLite keeps as integers.
macro_rules! integers {
    ($($number:ty),*) => {$(
        impl Type<Sqlite> for $number {
            fn type_info() -> SqliteType {
                SqliteType::Integer
            }
        }

        impl Encode<'_, Sqlite> for $number {
            fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
                buffer.push(Value::Integer(i64::from(*self)));
                Ok(IsNull::No)
            }
        }

        impl<'r> Decode<'r, Sqlite> for $number {
            fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
                match value.0 {
                    Value::Integer(number) => Ok(Self::try_from(*number)?),
                    _ => Err(unexpected(value)),
                }
            }
        }
    )*};
}

integers!(i64, i32, i16, u32, u16, u8);

impl Type<Sqlite> for bool {
    fn type_info() -> SqliteType {
        SqliteType::Integer
    }
}

impl Encode<'_, Sqlite> for bool {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Integer(i64::from(*self)));
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Sqlite> for bool {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.0 {
            Value::Integer(number) => Ok(*number != 0),
            _ => Err(unexpected(value)),
        }
    }
}

impl Type<Sqlite> for str {
    fn type_info() -> SqliteType {
        SqliteType::Text
    }
}

impl Encode<'_, Sqlite> for &str {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Text((*self).to_owned()));
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Sqlite> for &'r str {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.0 {
            Value::Text(text) => Ok(text),
            _ => Err(unexpected(value)),
        }
    }
}

impl Type<Sqlite> for String {
    fn type_info() -> SqliteType {
        SqliteType::Text
    }
}

impl Encode<'_, Sqlite> for String {
    fn encode(self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Text(self));
        Ok(IsNull::No)
    }

    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.as_str(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for String {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        <&str as Decode<Sqlite>>::decode(value).map(str::to_owned)
    }
}

impl Type<Sqlite> for [u8] {
    fn type_info() -> SqliteType {
        SqliteType::Blob
    }
}

impl Encode<'_, Sqlite> for &[u8] {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Blob(self.to_vec()));
        Ok(IsNull::No)
    }
}

impl Type<Sqlite> for Vec<u8> {
    fn type_info() -> SqliteType {
        SqliteType::Blob
    }
}

impl Encode<'_, Sqlite> for Vec<u8> {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Blob(self.clone()));
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Sqlite> for Vec<u8> {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.0 {
            Value::Blob(bytes) => Ok(bytes.clone()),
            _ => Err(unexpected(value)),
        }
    }
}

impl<'q, T> Encode<'q, Sqlite> for Option<T>
where
    T: Encode<'q, Sqlite> + Type<Sqlite> + 'q,
{
    fn encode(self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        self.map_or(Ok(IsNull::Yes), |value| value.encode(buffer))
    }

    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        self.as_ref().map_or(Ok(IsNull::Yes), |value| value.encode_by_ref(buffer))
    }
}
