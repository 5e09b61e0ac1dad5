//! The columns of a Parquet file.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::super::fields::{FieldSource, Fields, MadeColumn};

/// The name of the column that holds the whole event.
pub(super) const RAW: &str = "raw";

/// Who wrote a file, as its end says. No version of the program: the same events are the same bytes until the
/// format's own version is raised.
const WRITER: &str = "opev version 1";

/// The columns of a file, in order.
#[derive(Debug)]
pub(super) struct ParquetSchema {
    pub(super) columns: Vec<ParquetColumn>,
    pub(super) root: TypePtr,
    pub(super) properties: WriterPropertiesPtr,
}

/// A column of a file.
#[derive(Debug)]
pub(super) struct ParquetColumn {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// A field, or null.
    Field(FieldType),
    /// The event itself, in every row.
    Raw,
}

/// The type of a field's values, where columns have types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Text,
    Time,
    Integer,
    Float,
}

impl ParquetSchema {
    /// The schema of these fields, and the whole event behind them.
    ///
    /// # Errors
    /// As the library that writes Parquet, for names that it does not take.
    pub(super) fn of(fields: &Fields) -> Result<Arc<Self>, ParquetError> {
        let columns = fields
            .iter()
            .map(|field| ParquetColumn {
                name: field.name.clone(),
                kind: ColumnKind::Field(type_of(&field.source)),
            })
            .chain([ParquetColumn { name: RAW.to_owned(), kind: ColumnKind::Raw }]);
        let columns: Vec<_> = columns.collect();
        let members = columns.iter().map(|column| column.definition().map(Arc::new));
        let root =
            Type::group_type_builder("event").with_fields(members.collect::<Result<_, _>>()?).build()?;
        let raw = ColumnPath::from(RAW);
        let properties = WriterProperties::builder()
            .set_created_by(WRITER.to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // No two events are equal: neither a dictionary nor the least of them is of use.
            .set_column_dictionary_enabled(raw.clone(), false)
            .set_column_statistics_enabled(raw, EnabledStatistics::None)
            .build();
        Ok(Arc::new(ParquetSchema { columns, root: Arc::new(root), properties: Arc::new(properties) }))
    }
}

impl ParquetColumn {
    fn definition(&self) -> Result<Type, ParquetError> {
        let (physical, logical) = match self.kind {
            ColumnKind::Raw | ColumnKind::Field(FieldType::Text) => {
                (PhysicalType::BYTE_ARRAY, Some(LogicalType::String))
            }
            ColumnKind::Field(FieldType::Time) => {
                let unit = TimeUnit::MICROS;
                (PhysicalType::INT64, Some(LogicalType::timestamp(true, unit)))
            }
            ColumnKind::Field(FieldType::Integer) => (PhysicalType::INT64, None),
            ColumnKind::Field(FieldType::Float) => (PhysicalType::DOUBLE, None),
        };
        let repetition = match self.kind {
            ColumnKind::Raw => Repetition::REQUIRED,
            ColumnKind::Field(_) => Repetition::OPTIONAL,
        };
        Type::primitive_type_builder(&self.name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition)
            .build()
    }
}

fn type_of(source: &FieldSource) -> FieldType {
    match source {
        FieldSource::Made(MadeColumn::ReceivedAt) => FieldType::Time,
        FieldSource::Made(_) => FieldType::Text,
        FieldSource::Path { path, .. } => match path.as_str() {
            "timestamp" | "session.login_time" => FieldType::Time,
            "used_version" | "aux_id" => FieldType::Integer,
            "location.latitude" | "location.longitude" => FieldType::Float,
            _ => FieldType::Text,
        },
    }
}
