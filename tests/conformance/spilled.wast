;; More than sixteen flat parameters go through memory that realloc gives; a result of more than one does too
;; (CanonicalABI.md, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS).
(component
  (core module $m
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (if (i32.ne (local.get 2) (i32.const 8)) (then unreachable))
      (i32.const 64))
    (func (export "sum") (param i32) (result i32)
      (i32.store (i32.const 8) (i32.add (i32.load8_u (local.get 0)) (i32.load8_u offset=1 (local.get 0))))
      (i64.store (i32.const 16) (i64.load offset=72 (local.get 0)))
      (i32.const 8))
    (func (export "unaligned") (param i32) (result i32) (i32.const 12)))
  (core instance $i (instantiate $m))
  (func (export "sum")
    (param "a" u8) (param "b" u8) (param "c" u32) (param "d" u32) (param "e" u32) (param "f" u32) (param "g" u32)
    (param "h" u32) (param "i" u32) (param "j" u32) (param "k" u32) (param "l" u32) (param "m" u32) (param "n" u32)
    (param "o" u32) (param "p" u32) (param "q" u32) (param "r" u32) (param "s" u32) (param "t" u64)
    (result (tuple u32 u64))
    (canon lift (core func $i "sum") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))
  (func (export "unaligned")
    (param "a" u64) (param "b" u64) (param "c" u64) (param "d" u64) (param "e" u64) (param "f" u64) (param "g" u64)
    (param "h" u64) (param "i" u64) (param "j" u64) (param "k" u64) (param "l" u64) (param "m" u64) (param "n" u64)
    (param "o" u64) (param "p" u64) (param "q" u64)
    (result (tuple u32 u64))
    (canon lift (core func $i "unaligned") (memory (core memory $i "mem")) (realloc (core func $i "realloc")))))

(assert_return
  (invoke "sum" (u8.const 200) (u8.const 100) (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0)
    (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0)
    (u32.const 0) (u32.const 0) (u32.const 0) (u32.const 0) (u64.const 18446744073709551615))
  (tuple.const (u32.const 300) (u64.const 18446744073709551615)))
(assert_trap
  (invoke "unaligned" (u64.const 0) (u64.const 0) (u64.const 0) (u64.const 0) (u64.const 0) (u64.const 0)
    (u64.const 0) (u64.const 0) (u64.const 0) (u64.const 0) (u64.const 0) (u64.const 0) (u64.const 0) (u64.const 0)
    (u64.const 0) (u64.const 0) (u64.const 0))
  "not aligned")
