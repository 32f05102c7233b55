//! A statement that is prepared before it is used.

use std::sync::Arc;

use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{Describe, Either, Error, FromRow, IntoArguments, SqlStr, Statement};

use super::{Sqlite, SqliteArguments, SqliteColumn, SqliteConnection, SqliteRow, SqliteType, failure, value};

/// The text of a statement that SQLite understands, with the columns of its rows.
#[derive(Debug, Clone)]
pub struct SqliteStatement {
    sql: SqlStr,
    parameters: usize,
    columns: Arc<[SqliteColumn]>,
}

impl SqliteStatement {
    pub(super) fn prepare(connection: &SqliteConnection, sql: SqlStr) -> Result<Self, Error> {
        let (parameters, columns) = {
            let prepared = connection.handle.prepare_cached(sql.as_str()).map_err(failure::of)?;
            (prepared.parameter_count(), value::columns(&prepared))
        };
        Ok(Self { sql, parameters, columns })
    }

    pub(super) fn into_description(self) -> Describe<Sqlite> {
        let columns = self.columns.to_vec();
        // Whether an expression can be null is not asked here.
        Describe { nullable: vec![None; columns.len()], columns, parameters: Some(Either::Right(self.parameters)) }
    }
}

impl Statement for SqliteStatement {
    type Database = Sqlite;

    fn into_sql(self) -> SqlStr {
        self.sql
    }

    fn sql(&self) -> &SqlStr {
        &self.sql
    }

    fn parameters(&self) -> Option<Either<&[SqliteType], usize>> {
        Some(Either::Right(self.parameters))
    }

    fn columns(&self) -> &[SqliteColumn] {
        &self.columns
    }

    fn query(&self) -> Query<'_, Sqlite, SqliteArguments> {
        self.query_with(SqliteArguments::default())
    }

    fn query_with<A: IntoArguments<Sqlite>>(&self, arguments: A) -> Query<'_, Sqlite, A> {
        sqlx::query_with(self.sql.clone(), arguments)
    }

    fn query_as<O>(&self) -> QueryAs<'_, Sqlite, O, SqliteArguments>
    where
        O: for<'r> FromRow<'r, SqliteRow>,
    {
        self.query_as_with(SqliteArguments::default())
    }

    fn query_as_with<'s, O, A>(&'s self, arguments: A) -> QueryAs<'s, Sqlite, O, A>
    where
        O: for<'r> FromRow<'r, SqliteRow>,
        A: IntoArguments<Sqlite>,
    {
        sqlx::query_as_with(self.sql.clone(), arguments)
    }

    fn query_scalar<O>(&self) -> QueryScalar<'_, Sqlite, O, SqliteArguments>
    where
        (O,): for<'r> FromRow<'r, SqliteRow>,
    {
        self.query_scalar_with(SqliteArguments::default())
    }

    fn query_scalar_with<'s, O, A>(&'s self, arguments: A) -> QueryScalar<'s, Sqlite, O, A>
    where
        (O,): for<'r> FromRow<'r, SqliteRow>,
        A: IntoArguments<Sqlite>,
    {
        sqlx::query_scalar_with(self.sql.clone(), arguments)
    }
}
