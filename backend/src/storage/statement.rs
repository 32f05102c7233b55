//! A statement that is prepared before it is used.

use std::sync::Arc;

use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{Describe, Either, FromRow, IntoArguments, SqlStr, Statement};

use super::database::Servers;
use super::value::{DbArguments, DbColumn, DbRow, DbType};

/// The text of a statement that the database understands, with the columns of its rows.
#[derive(Debug, Clone)]
pub struct DbStatement {
    sql: SqlStr,
    parameters: usize,
    columns: Arc<[DbColumn]>,
}

impl DbStatement {
    pub(super) const fn new(sql: SqlStr, parameters: usize, columns: Arc<[DbColumn]>) -> Self {
        Self { sql, parameters, columns }
    }

    pub(super) fn into_description(self) -> Describe<Servers> {
        let columns = self.columns.to_vec();
        // Whether an expression can be null is not asked here.
        Describe { nullable: vec![None; columns.len()], columns, parameters: Some(Either::Right(self.parameters)) }
    }
}

impl Statement for DbStatement {
    type Database = Servers;

    fn into_sql(self) -> SqlStr {
        self.sql
    }

    fn sql(&self) -> &SqlStr {
        &self.sql
    }

    fn parameters(&self) -> Option<Either<&[DbType], usize>> {
        Some(Either::Right(self.parameters))
    }

    fn columns(&self) -> &[DbColumn] {
        &self.columns
    }

    fn query(&self) -> Query<'_, Servers, DbArguments> {
        self.query_with(DbArguments::default())
    }

    fn query_with<A: IntoArguments<Servers>>(&self, arguments: A) -> Query<'_, Servers, A> {
        sqlx::query_with(self.sql.clone(), arguments)
    }

    fn query_as<O>(&self) -> QueryAs<'_, Servers, O, DbArguments>
    where
        O: for<'r> FromRow<'r, DbRow>,
    {
        self.query_as_with(DbArguments::default())
    }

    fn query_as_with<'s, O, A>(&'s self, arguments: A) -> QueryAs<'s, Servers, O, A>
    where
        O: for<'r> FromRow<'r, DbRow>,
        A: IntoArguments<Servers>,
    {
        sqlx::query_as_with(self.sql.clone(), arguments)
    }

    fn query_scalar<O>(&self) -> QueryScalar<'_, Servers, O, DbArguments>
    where
        (O,): for<'r> FromRow<'r, DbRow>,
    {
        self.query_scalar_with(DbArguments::default())
    }

    fn query_scalar_with<'s, O, A>(&'s self, arguments: A) -> QueryScalar<'s, Servers, O, A>
    where
        (O,): for<'r> FromRow<'r, DbRow>,
        A: IntoArguments<Servers>,
    {
        sqlx::query_scalar_with(self.sql.clone(), arguments)
    }
}
