//! WebAssembly components: load, limit and call transforms, predicates and formats
