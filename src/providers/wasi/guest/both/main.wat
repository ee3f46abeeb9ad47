;; Says one line with WASI 0.2 and one with 0.3, each through its own generation's streams, and sleeps in between.
;; The second line's stream and future are waited for synchronously, the sleep asynchronously.
(module
  (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout2 (result i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write2 (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop2 (param i32)))
  (import "wasi:cli/stdout@0.3.0" "write-via-stream" (func $stdout3 (param i32) (result i32)))
  (import "wasi:cli/stdout@0.3.0" "[stream-new-0]write-via-stream" (func $stream (result i64)))
  (import "wasi:cli/stdout@0.3.0" "[stream-write-0]write-via-stream"
    (func $write3 (param i32 i32 i32) (result i32)))
  (import "wasi:cli/stdout@0.3.0" "[stream-drop-writable-0]write-via-stream" (func $end3 (param i32)))
  (import "wasi:cli/stdout@0.3.0" "[future-read-1]write-via-stream"
    (func $outcome3 (param i32 i32) (result i32)))
  (import "wasi:cli/stdout@0.3.0" "[future-drop-readable-1]write-via-stream" (func $drop3 (param i32)))
  (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $sleep (param i64) (result i32)))
  (import "$root" "[waitable-set-new]" (func $set-new (result i32)))
  (import "$root" "[waitable-join]" (func $join (param i32 i32)))
  (import "$root" "[subtask-drop]" (func $subtask-drop (param i32)))
  (import "[export]wasi:cli/run@0.3.0" "[task-return]run" (func $return (param i32)))
  (import "[export]$root" "[task-return]double" (func $return-double (param i32)))

  (memory (export "memory") 1)
  (data (i32.const 16) "said with 0.2\n")
  (data (i32.const 48) "said with 0.3\n")
  (global $heap (mut i32) (i32.const 1024))
  (global $subtask (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  (func $say2
    (local $out i32)
    (local.set $out (call $stdout2))
    (call $write2 (local.get $out) (i32.const 16) (i32.const 14) (i32.const 256))
    (if (i32.load8_u (i32.const 256)) (then unreachable))
    (call $drop2 (local.get $out)))

  (func $say3
    (local $ends i64) (local $writable i32) (local $future i32)
    (local.set $ends (call $stream))
    (local.set $writable (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
    (local.set $future (call $stdout3 (i32.wrap_i64 (local.get $ends))))
    ;; All fourteen bytes at once, and the other side is still there: 14 << 4 | 0.
    (if (i32.ne (call $write3 (local.get $writable) (i32.const 48) (i32.const 14)) (i32.const 224))
      (then unreachable))
    (call $end3 (local.get $writable))
    (drop (call $outcome3 (local.get $future) (i32.const 256)))
    (if (i32.load8_u (i32.const 256)) (then unreachable))
    (call $drop3 (local.get $future)))

  ;; Answers at once, or with EXIT (0), or waits: 2 | set << 4.
  (func (export "[async-lift]wasi:cli/run@0.3.0#run") (result i32)
    (local $status i32) (local $set i32)
    (call $say2)
    (local.set $status (call $sleep (i64.const 5000000)))
    ;; RETURNED (2) without a subtask: it was over before it was looked at.
    (if (i32.eq (local.get $status) (i32.const 2))
      (then (call $say3) (call $return (i32.const 0)) (return (i32.const 0))))
    (global.set $subtask (i32.shr_u (local.get $status) (i32.const 4)))
    (local.set $set (call $set-new))
    (call $join (global.get $subtask) (local.get $set))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))

  ;; The event is SUBTASK (1), of the sleep, which has RETURNED (2).
  (func (export "[callback][async-lift]wasi:cli/run@0.3.0#run") (param i32 i32 i32) (result i32)
    (if (i32.ne (local.get 0) (i32.const 1)) (then unreachable))
    (if (i32.ne (local.get 1) (global.get $subtask)) (then unreachable))
    (if (i32.ne (local.get 2) (i32.const 2)) (then unreachable))
    (call $subtask-drop (global.get $subtask))
    (call $say3)
    (call $return (i32.const 0))
    (i32.const 0))

  ;; Answers, and ends at once.
  (func (export "[async-lift]double") (param i32) (result i32)
    (call $return-double (i32.mul (local.get 0) (i32.const 2)))
    (i32.const 0))
  (func (export "[callback][async-lift]double") (param i32 i32 i32) (result i32) unreachable))
