//! `tidegate compile` as a program of its own, so that this crate's tests can compile in a child process.
//! It adds nothing to [`host_wasm::compile::run_child`].

fn main() -> std::process::ExitCode {
    host_wasm::compile::run_child()
}
