;; While realloc or post-return runs, a guest may not leave: a lowered import, resource.new and resource.drop trap
;; (CanonicalABI.md, may_leave). After a trap nothing can enter.
(component definition $leaver
  (component $callee
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))
  (component $caller
    (import "f" (func $f))
    (core func $low (canon lower (func $f)))
    (core module $m
      (import "" "f" (func $f))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $f) (i32.const 0))
      (func (export "list") (param i32 i32))
      (func (export "nothing"))
      (func (export "leave") (call $f)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $low))))))
    (func (export "list") (param "l" (list u8))
      (canon lift (core func $i "list") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))
    (func (export "post") (canon lift (core func $i "nothing") (post-return (core func $i "leave"))))
    (func (export "leave") (canon lift (core func $i "leave"))))
  (instance $a (instantiate $callee))
  (instance $b (instantiate $caller (with "f" (func $a "f"))))
  (func (export "list") (alias export $b "list"))
  (func (export "post") (alias export $b "post"))
  (func (export "leave") (alias export $b "leave")))

(component instance $ok $leaver)
(assert_return (invoke $ok "leave"))
(component instance $one $leaver)
(assert_trap (invoke $one "list" (list.const)) "cannot leave component instance")
(assert_trap (invoke $one "leave") "cannot enter component instance")
(component instance $two $leaver)
(assert_trap (invoke $two "post") "cannot leave component instance")
(assert_trap (invoke $two "leave") "cannot enter component instance")
(assert_return (invoke $ok "leave"))
