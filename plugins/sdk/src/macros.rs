//! The macros that export a plugin.
//!
//! They expand to nothing when built natively, so a plugin's crate is also an ordinary library for its tests.
//! Invariant: one export a crate; a second one does not compile.

/// The `lifecycle` exports, the same for every world but for the driver's constructor. Not for direct use.
#[doc(hidden)]
#[macro_export]
macro_rules! __lifecycle {
    ($plugin:ty, $world:ident, $make:ident, $trait:ident) => {
        // A module of its own, so that the author's type may have any name.
        mod author {
            #[allow(unused_imports, reason = "the type may be named by a path")]
            use super::super::*;
            pub(super) type It = $plugin;
        }
        use wit::lifecycle::{ConfigEntry, ConfigError, Context, Definition, Schema};
        use $crate::export::$world::{convert, exports::tidegate::plugin as wit};

        type Plugin = $crate::driver::Driver<author::It>;
        thread_local! {
            static PLUGIN: $crate::export::Cell<Plugin> = const { $crate::export::Cell::new() };
        }
        struct Component;

        impl wit::lifecycle::Guest for Component {
            fn describe() -> Definition {
                convert::definition(<author::It as $crate::$trait>::config())
            }
            fn validate(context: Context, config: Vec<ConfigEntry>) -> Vec<ConfigError> {
                let made = Plugin::$make(&convert::context(context), &convert::entries(config));
                made.err().map_or_else(Vec::new, convert::errors)
            }
            fn configure(
                context: Context,
                config: Vec<ConfigEntry>,
            ) -> Result<(), Vec<ConfigError>> {
                $crate::export::log_panics();
                let made = Plugin::$make(&convert::context(context), &convert::entries(config));
                made.map(|p| PLUGIN.with(|c| c.put(p)))
                    .map_err(convert::errors)
            }
            fn define(schemas: Vec<Schema>) -> Result<(), String> {
                PLUGIN.with(|c| {
                    c.with(
                        |e| e,
                        |p| p.define(schemas.into_iter().map(convert::schema)),
                    )
                })
            }
        }
    };
}

/// Exports a [`crate::Transform`] as a component of the world `transform`.
#[macro_export]
macro_rules! export_transform {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::pedantic, reason = "wit-bindgen's exports")]
        mod __component {
            $crate::__lifecycle!($plugin, transform, transform, Transform);
            use wit::transformer::{Error, Output};
            impl wit::transformer::Guest for Component {
                fn run(batch: Vec<u8>) -> Result<Output, Error> {
                    PLUGIN.with(|c| {
                        c.with(Error::Fatal, |p| {
                            let patch = p.run(&batch).map_err(convert::error)?;
                            let news = p.take_new_schemas();
                            let schemas = news.iter().map(convert::own_schema).collect();
                            Ok(Output { patch, schemas })
                        })
                    })
                }
            }
            $crate::export::transform::export!(Component with_types_in $crate::export::transform);
        }
    };
}

/// Exports a [`crate::Predicate`] as a component of the world `predicate`.
#[macro_export]
macro_rules! export_predicate {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::pedantic, reason = "wit-bindgen's exports")]
        mod __component {
            $crate::__lifecycle!($plugin, predicate, predicate, Predicate);
            use wit::predicate_tester::Error;
            impl wit::predicate_tester::Guest for Component {
                fn test(batch: Vec<u8>) -> Result<Vec<u8>, Error> {
                    PLUGIN.with(|c| c.with(Error::Fatal, |p| p.test(&batch).map_err(convert::error)))
                }
            }
            $crate::export::predicate::export!(Component with_types_in $crate::export::predicate);
        }
    };
}

/// Exports a [`crate::Format`] as a component of the world `format`.
#[macro_export]
macro_rules! export_format {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::pedantic, reason = "wit-bindgen's exports")]
        mod __component {
            $crate::__lifecycle!($plugin, format, format, Format);
            use wit::formatter::{Encoded, Error, Part};
            impl wit::formatter::Guest for Component {
                fn encode(batch: Vec<u8>, part: Part) -> Result<Encoded, Error> {
                    PLUGIN.with(|c| {
                        c.with(Error::Fatal, |p| {
                            let done = p.encode(&batch, convert::part(part));
                            let done = done.map_err(convert::error)?;
                            Ok(Encoded {
                                data: done.data,
                                ends: done.ends,
                            })
                        })
                    })
                }
            }
            $crate::export::format::export!(Component with_types_in $crate::export::format);
        }
    };
}
