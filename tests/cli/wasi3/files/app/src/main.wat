;; The stream of standard input goes to a file as it is; the guest waits for its end, and for nothing else.
(module
  (import "wasi:cli/stdin@0.3.0" "read-via-stream" (func $stdin (param i32)))
  (import "wasi:cli/stdin@0.3.0" "[future-read-1]read-via-stream"
    (func $stdin-outcome (param i32 i32) (result i32)))
  (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $sleep (param i64) (result i32)))
  (import "wasi:filesystem/preopens@0.3.0" "get-directories" (func $folders (param i32)))
  (import "wasi:filesystem/types@0.3.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.3.0" "[method]descriptor.write-via-stream"
    (func $write (param i32 i32 i64) (result i32)))
  (import "wasi:filesystem/types@0.3.0" "[future-read-1][method]descriptor.write-via-stream"
    (func $write-outcome (param i32 i32) (result i32)))
  (import "wasi:random/random@0.3.0" "get-random-u64" (func $random (result i64)))
  (import "$root" "[waitable-set-new]" (func $set-new (result i32)))
  (import "$root" "[waitable-join]" (func $join (param i32 i32)))
  (import "[export]wasi:cli/run@0.3.0" "[task-return]run" (func $return-run (param i32)))
  (import "[export]$root" "[task-return]double" (func $return-double (param i32)))
  (import "[export]$root" "[task-return]chance" (func $return-chance (param i64)))

  (memory (export "memory") 1)
  (data (i32.const 16) "kept.txt")
  (global $heap (mut i32) (i32.const 1024))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  (func $keep (result i32)
    (local $folder i32)
    (call $folders (i32.const 128))
    ;; No folder was granted.
    (if (i32.eqz (i32.load (i32.const 132))) (then (return (i32.const 1))))
    (local.set $folder (i32.load (i32.load (i32.const 128))))
    ;; Path flags none; create 1, truncate 8; write 2. A result: 0 is ok, its payload four bytes further.
    (call $open (local.get $folder) (i32.const 0) (i32.const 16) (i32.const 8)
      (i32.const 9) (i32.const 2) (i32.const 256))
    (if (i32.load8_u (i32.const 256)) (then (return (i32.const 1))))
    (call $stdin (i32.const 136))
    (drop (call $write-outcome
      (call $write (i32.load (i32.const 260)) (i32.load (i32.const 136)) (i64.const 0))
      (i32.const 512)))
    (i32.load8_u (i32.const 512)))

  (func (export "[async-lift]wasi:cli/run@0.3.0#run") (result i32)
    (call $return-run (call $keep))
    (i32.const 0))
  (func (export "[callback][async-lift]wasi:cli/run@0.3.0#run") (param i32 i32 i32) (result i32)
    unreachable)

  (func (export "[async-lift]double") (param i32) (result i32)
    (call $return-double (i32.mul (local.get 0) (i32.const 2)))
    (i32.const 0))
  (func (export "[callback][async-lift]double") (param i32 i32 i32) (result i32) unreachable)

  (func (export "[async-lift]chance") (result i32)
    (call $return-chance (call $random))
    (i32.const 0))
  (func (export "[callback][async-lift]chance") (param i32 i32 i32) (result i32) unreachable)

  (func (export "[async-lift]forever") (result i32)
    (local $set i32)
    (local.set $set (call $set-new))
    (call $join
      (i32.shr_u (call $sleep (i64.const 0x7fffffffffffffff)) (i32.const 4))
      (local.get $set))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
  (func (export "[callback][async-lift]forever") (param i32 i32 i32) (result i32) unreachable))
