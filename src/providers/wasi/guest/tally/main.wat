;; A request's bytes become its answer's, whose status is 400 and how many requests there were; the count crosses.
(module
  (import "wasi:http/types@0.3.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.3.0" "[method]request.get-method" (func $method (param i32 i32)))
  (import "wasi:http/types@0.3.0" "[static]request.consume-body" (func $consume (param i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[future-new-0][static]request.consume-body" (func $handled (result i64)))
  (import "wasi:http/types@0.3.0" "[future-write-0][static]request.consume-body"
    (func $say-handled (param i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[future-drop-writable-0][static]request.consume-body"
    (func $drop-handled (param i32)))
  (import "wasi:http/types@0.3.0" "[static]response.new" (func $response (param i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[method]response.set-status-code" (func $status (param i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[future-drop-readable-2][static]response.new"
    (func $drop-transmitted (param i32)))
  (import "[export]wasi:http/handler@0.3.0" "[task-return]handle"
    (func $return (param i32 i32 i32 i64 i32 i32 i32 i32)))

  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  ;; The version of the state, the only one that is taken.
  (data (i32.const 512) "1")
  (data (i32.const 520) "another version")
  (global $heap (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param $request i32) (result i32)
    (local $ends i64)
    ;; DELETE (4) traps before an answer, as a faulty guest does.
    (call $method (local.get $request) (i32.const 64))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 4)) (then unreachable))
    (local.set $ends (call $handled))
    (call $consume (local.get $request) (i32.wrap_i64 (local.get $ends)) (i32.const 16))
    ;; What is said is `ok`: the memory at 256 is zero.
    (drop (call $say-handled (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))) (i32.const 256)))
    (call $drop-handled (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
    (call $response (call $fields) (i32.const 1)
      (i32.load (i32.const 16)) (i32.load (i32.const 20)) (i32.const 32))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (drop (call $status (i32.load (i32.const 32)) (i32.add (i32.const 400) (global.get $count))))
    ;; How the answer fares on its way is nothing to it.
    (call $drop-transmitted (i32.load (i32.const 36)))
    (call $return (i32.const 0) (i32.load (i32.const 32))
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (i32.const 0))
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    unreachable)

  ;; A record of a string and bytes, by its address.
  (func (export "loop:core/handover@0.1.0#save") (result i32)
    (i32.store (i32.const 544) (global.get $count))
    (i32.store (i32.const 560) (i32.const 512))
    (i32.store (i32.const 564) (i32.const 1))
    (i32.store (i32.const 568) (i32.const 544))
    (i32.store (i32.const 572) (i32.const 4))
    (i32.const 560))
  (func (export "loop:core/handover@0.1.0#restore") (param $version i32) (param i32) (param $bytes i32) (param i32)
    (result i32)
    (if (i32.ne (i32.load8_u (local.get $version)) (i32.load8_u (i32.const 512)))
      (then
        (i32.store (i32.const 576) (i32.const 1))
        (i32.store (i32.const 580) (i32.const 520))
        (i32.store (i32.const 584) (i32.const 15)))
      (else
        (i32.store (i32.const 576) (i32.const 0))
        (global.set $count (i32.load (local.get $bytes)))))
    (i32.const 576)))
