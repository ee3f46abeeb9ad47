;; Exports add(u32, u32) -> u32, and an interface with a function of its own.
(component
  (core module $main
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
  (core instance $i (instantiate $main))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (export "add" (func $add))
  (func $double (param "n" u8) (result u32) (canon lift (core func $i "double")))
  (instance $math (export "double" (func $double)))
  (export "test:calc/math@1.0.0" (instance $math))
  (instance $other (export "double" (func $double)))
  (export "test:calc/other@1.0.0" (instance $other)))
