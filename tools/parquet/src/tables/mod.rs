//! The tables of an export: which there are, and the columns and rows of each.
//!
//! A table is a list of columns by name and kind. From it come the Arrow schema, the builders, and the
//! type of a row, so that a row that lacks a column does not compile. `docs/wire/parquet.md` says what
//! each column means, and a test holds it to the schema.

pub(crate) mod controls;
pub(crate) mod fills;
pub(crate) mod instruments;
pub(crate) mod market;
pub(crate) mod orders;
pub(crate) mod records;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field, Schema, SchemaRef};

pub(crate) use controls::Controls;
pub(crate) use fills::Fills;
pub(crate) use instruments::Instruments;
pub(crate) use market::Market;
pub(crate) use orders::Orders;
pub(crate) use records::Records;

use crate::column::{Column, Encoding};

/// One file of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Every record, understood or not.
    Records,
    /// The instruments that were known from a master file.
    Instruments,
    /// Market events: orders and trades of everyone, gaps, the clock.
    Market,
    /// Own orders: what was asked, what left, what was refused, what the venue answered.
    Orders,
    /// Own trades, and those taken back.
    Fills,
    /// What operators did, and what began and stopped trading.
    Controls,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 6] =
        [Self::Records, Self::Instruments, Self::Market, Self::Orders, Self::Fills, Self::Controls];

    /// Its name, that of its file without the ending.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Instruments => "instruments",
            Self::Market => "market",
            Self::Orders => "orders",
            Self::Fills => "fills",
            Self::Controls => "controls",
        }
    }

    /// The table of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("{}.parquet", self.name())
    }

    /// Its Arrow schema. Prices have `unit` and `scale` in their fields' metadata: a value is
    /// 10⁻ˢᶜᵃˡᵉ of the unit.
    #[must_use]
    pub fn schema(self) -> SchemaRef {
        let specs = self.columns();
        Arc::new(Schema::new(specs.iter().map(ColumnSpec::field).collect::<Vec<_>>()))
    }

    pub(crate) fn columns(self) -> Vec<ColumnSpec> {
        match self {
            Self::Records => Records::specs(),
            Self::Instruments => Instruments::specs(),
            Self::Market => Market::specs(),
            Self::Orders => Orders::specs(),
            Self::Fills => Fills::specs(),
            Self::Controls => Controls::specs(),
        }
    }
}

/// A column as a file has it.
pub(crate) struct ColumnSpec {
    pub(crate) name: &'static str,
    pub(crate) encoding: Encoding,
    data_type: DataType,
    is_nullable: bool,
    unit: Option<(&'static str, u32)>,
}

impl ColumnSpec {
    fn of<C: Column>(name: &'static str) -> Self {
        Self {
            name,
            encoding: C::ENCODING,
            data_type: C::data_type(),
            is_nullable: C::NULLABLE,
            unit: C::UNIT,
        }
    }

    fn field(&self) -> Field {
        let field = Field::new(self.name, self.data_type.clone(), self.is_nullable);
        let Some((unit, scale)) = self.unit else { return field };
        let metadata = [("unit".into(), unit.into()), ("scale".into(), scale.to_string())];
        field.with_metadata(HashMap::from(metadata))
    }
}

/// The columns of a table, being filled.
pub(crate) trait Columns: Default + Send {
    /// Which table.
    const TABLE: Table;
    /// A row of it.
    type Row<'a>;

    /// Its columns, in order.
    fn specs() -> Vec<ColumnSpec>;

    /// Appends a row. Returns the bytes it takes beside places of fixed size.
    fn push(&mut self, row: Self::Row<'_>) -> usize;

    /// All values since the last call, a column each.
    fn finish(&mut self) -> Vec<ArrayRef>;
}

/// Makes the columns of a table and the type of its rows from one list.
macro_rules! columns {
    ($table:ident, $row:ident { $($name:ident: $kind:ty,)+ }) => {
        /// The columns, being filled.
        #[derive(Default)]
        pub(crate) struct $table {
            $($name: $kind,)+
        }

        /// A row, a value for each column.
        pub(crate) struct $row<'a> {
            $(pub(crate) $name: <$kind as $crate::column::Column>::Value<'a>,)+
        }

        impl Default for $row<'_> {
            fn default() -> Self {
                Self { $($name: Default::default(),)+ }
            }
        }

        impl $crate::tables::Columns for $table {
            const TABLE: $crate::tables::Table = $crate::tables::Table::$table;
            type Row<'a> = $row<'a>;

            fn specs() -> Vec<$crate::tables::ColumnSpec> {
                vec![$($crate::tables::ColumnSpec::of::<$kind>(stringify!($name)),)+]
            }

            #[inline]
            fn push(&mut self, row: $row<'_>) -> usize {
                use $crate::column::Column;
                0 $(+ self.$name.push(row.$name))+
            }

            fn finish(&mut self) -> Vec<arrow_array::ArrayRef> {
                use $crate::column::Column;
                vec![$(self.$name.finish(),)+]
            }
        }
    };
}
use columns;
