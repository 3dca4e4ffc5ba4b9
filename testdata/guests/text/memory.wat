;; Guests that take stack, memory or tables without end.

{{ define "recursion" }}
(func $r (param i64) (result i64) (i64.add (call $r (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
(func $bad (drop (call $r (i64.const 0))))
{{ end }}

{{ define "mutual" }}
(func $a (param i64) (result i64) (i64.add (call $b (local.get 0)) (i64.const 1)))
(func $b (param i64) (result i64) (i64.add (call $c (local.get 0)) (i64.const 1)))
(func $c (param i64) (result i64) (i64.add (call $a (local.get 0)) (i64.const 1)))
(func $bad (drop (call $a (i64.const 0))))
{{ end }}

{{ define "bigframes" }} ;; a thousand locals that live across the call
(func $r (param $n i64) (result i64)
  (local{{ range count 1000 }} i64{{ end }})
  {{ range count 1000 }}(local.set {{ add . 1 }} (i64.mul (local.get $n) (i64.const {{ add . 3 }}))){{ end }}
  (local.set $n (call $r (i64.add (local.get $n) (i64.const 1))))
  {{ range count 1000 }}(local.set $n (i64.xor (local.get $n) (local.get {{ add . 1 }}))){{ end }}
  (local.get $n))
(func $bad (drop (call $r (i64.const 0))))
{{ end }}

{{ define "tablerecursion" }} ;; a function that finds itself in a table
(type $r (func (param i64) (result i64)))
(table 1 funcref)
(elem (i32.const 0) $r)
(func $r (type $r) (i64.add (call_indirect (type $r) (local.get 0) (i32.const 0)) (i64.const 1)))
(func $bad (drop (call $r (i64.const 0))))
{{ end }}

{{ define "grow" }} ;; all at once, then touch every page, then more than there is
(func $bad (local $i i32) (local $end i32)
  (if (i32.eq (i32.const -1) (memory.grow (i32.const 8000))) (then unreachable))
  (local.set $end (i32.shl (memory.size) (i32.const 16)))
  (loop $touch
    (i32.store (local.get $i) (i32.load (local.get $i)))
    (local.set $i (i32.add (local.get $i) (i32.const 4096)))
    (br_if $touch (i32.lt_u (local.get $i) (local.get $end))))
  (if (i32.eq (i32.const -1) (memory.grow (i32.const 57000))) (then unreachable))
  (loop $l (br $l)))
{{ end }}

{{ define "growsteps" }} ;; a page at a time, touched, until there is no more
(func $bad (local $at i32)
  (loop $l
    (local.set $at (i32.shl (memory.grow (i32.const 1)) (i32.const 16)))
    (if (i32.eq (local.get $at) (i32.const 0xffff0000)) (then unreachable))
    (memory.fill (local.get $at) (i32.const 0xa5) (i32.const 65536))
    (br $l)))
{{ end }}

{{ define "growrefused" }} ;; asks for what it does not get, without end
(func $bad (loop $l (drop (memory.grow (i32.const 65000))) (br $l)))
{{ end }}

{{ define "fill" }} ;; half a GiB, again and again
(func $bad
  (if (i32.eq (i32.const -1) (memory.grow (i32.const 8000))) (then unreachable))
  (loop $l
    (memory.fill (i32.const 4194304) (i32.const 0x5a) (i32.const 0x1f000000))
    (br $l)))
{{ end }}

{{ define "copy" }} ;; half a GiB over itself
(func $bad
  (if (i32.eq (i32.const -1) (memory.grow (i32.const 8000))) (then unreachable))
  (loop $l
    (memory.copy (i32.const 4194304) (i32.const 4194305) (i32.const 0x1f000000))
    (memory.copy (i32.const 4194305) (i32.const 4194304) (i32.const 0x1f000000))
    (br $l)))
{{ end }}

{{ define "tablegrow" }} ;; a table of 16 GiB
(table $t 1 externref)
(func $bad
  (if (i32.eq (i32.const -1) (table.grow $t (ref.null extern) (i32.const 0x7fffffff))) (then unreachable))
  (loop $l (br $l)))
{{ end }}

{{ define "tablegrowsteps" }} ;; many elements at a time, until there are no more
(table $t 1 funcref)
(elem declare func $bad)
(func $bad
  (loop $l
    (if (i32.eq (i32.const -1) (table.grow $t (ref.func $bad) (i32.const 10000))) (then unreachable))
    (br $l)))
{{ end }}

{{ define "tablecopy" }} ;; bulk operations of tables, without end
(table $t 5000 funcref)
(func $bad
  (loop $l
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 5000))
    (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 4999))
    (br $l)))
{{ end }}

{{ define "tableinitial" }} ;; declares a table of 800 MB
(table 100000000 funcref)
(func $bad)
{{ end }}

{{ define "memoryinitial" }}(func $bad){{ end }}
{{ define "memoryinitial-pages" }}60000{{ end }}
