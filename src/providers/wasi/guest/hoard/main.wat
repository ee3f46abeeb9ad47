;; Makes streams and lets go of none.
(module
  (import "wasi:cli/stdout@0.3.0" "[stream-new-0]write-via-stream" (func $stream (result i64)))
  (memory (export "memory") 1)
  (func (export "[async-lift]wasi:cli/run@0.3.0#run") (result i32)
    (loop (drop (call $stream)) (br 0))
    (i32.const 0))
  (func (export "[callback][async-lift]wasi:cli/run@0.3.0#run") (param i32 i32 i32) (result i32)
    unreachable))
