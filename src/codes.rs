//! Enumerations whose values are stored, sent and put into URLs as fixed words (codes).

/// Declares an enum whose variants each have a code, used in the database (`TEXT`), in JSON and in URLs.
///
/// `labelled by` gives each variant a label for people, taken from the locale files.
macro_rules! codes {
    ($(#[$meta:meta])* pub enum $name:ident labelled by $labels:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $code:literal => $key:ident,)+
    }) => {
        $crate::codes::codes! {
            $(#[$meta])*
            pub enum $name { $($(#[$variant_meta])* $variant = $code,)+ }
        }

        impl $name {
            /// Returns the label for people.
            pub fn label(self, locale: $crate::i18n::Locale) -> &'static str {
                match self { $(Self::$variant => leptos_i18n::td_string!(locale, $labels.$key),)+ }
            }
        }
    };
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "ssr", derive(diesel::AsExpression, diesel::FromSqlRow))]
        #[cfg_attr(feature = "ssr", diesel(sql_type = diesel::sql_types::Text))]
        pub enum $name { $($(#[$variant_meta])* #[serde(rename = $code)] $variant,)+ }

        impl $name {
            /// Every variant, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the code of the variant.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }

        impl $crate::codes::Coded for $name {
            fn code(self) -> &'static str {
                Self::code(self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::codes::UnknownCode;

            fn from_str(code: &str) -> Result<Self, Self::Err> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err($crate::codes::UnknownCode),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }

        #[cfg(feature = "ssr")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|value| value.code())))
                    .into()
            }
        }

        #[cfg(feature = "ssr")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        #[cfg(feature = "ssr")]
        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, DB>>::to_sql(self.code(), out)
            }
        }

        #[cfg(feature = "ssr")]
        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok(String::from_sql(bytes)?.parse()?)
            }
        }
    };
}
pub(crate) use codes;

/// An enumeration declared with `codes!`.
pub trait Coded: Copy + std::str::FromStr {
    /// Returns the code of the variant.
    fn code(self) -> &'static str;
}

/// A code that was read, possibly one that a newer version of the program has written and this version does not know.
///
/// Rules act only on [known](Self::known) codes. An unknown code is displayed as it is and has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "ssr", derive(diesel::FromSqlRow))]
pub enum Code<T> {
    Known(T),
    Unknown(String),
}

impl<T: Coded> Code<T> {
    /// Reads a code.
    pub fn read(code: String) -> Self {
        match code.parse() {
            Ok(value) => Self::Known(value),
            Err(_) => Self::Unknown(code),
        }
    }

    /// Returns the value of the code, or `None` if this version does not know it.
    pub const fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Unknown(_) => None,
        }
    }

    /// Returns the code itself.
    pub fn code(&self) -> &str {
        match self {
            Self::Known(value) => value.code(),
            Self::Unknown(code) => code,
        }
    }

    /// Returns the label of the value, or the code itself if it is unknown.
    pub fn display(&self, words: impl FnOnce(T) -> &'static str) -> String {
        let words = match self {
            Self::Known(value) => words(*value),
            Self::Unknown(code) => code,
        };
        words.to_owned()
    }
}

impl<T> From<T> for Code<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: PartialEq> PartialEq<T> for Code<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(value) if value == other)
    }
}

impl<T: Coded> std::fmt::Display for Code<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl<T: Coded> serde::Serialize for Code<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de, T: Coded> serde::Deserialize<'de> for Code<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer).map(Self::read)
    }
}

#[cfg(feature = "ssr")]
impl<DB, T: Coded> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for Code<T>
where
    DB: diesel::backend::Backend,
    String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        String::from_sql(bytes).map(Self::read)
    }
}

/// The error for a word that is not a code of the enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown code")]
pub struct UnknownCode;
