;; Guests that compute without end.

{{ define "loop" }}
(func $bad (loop $l (br $l)))
{{ end }}

{{ define "batches" }} ;; computes for some ms and puts a batch, again and again: an honest one
(func $bad (local $i i32)
  (loop $l
    (local.set $i (i32.const 8000000))
    (loop $work
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (br_if $work (local.get $i)))
    (call $send (i32.const 2) (i32.const 1) (i32.const 0) (i32.const 0))
    (br $l)))
{{ end }}

{{ define "nested" }} ;; loops with known trip counts, the outer of which never ends in a lifetime
(func $bad (local $i i64) (local $j i32)
  (loop $outer
    (local.set $j (i32.const 1000000))
    (loop $inner
      (local.set $j (i32.sub (local.get $j) (i32.const 1)))
      (br_if $inner (local.get $j)))
    (local.set $i (i64.add (local.get $i) (i64.const 1)))
    (br_if $outer (i64.lt_u (local.get $i) (i64.const 0x7fffffffffffffff)))))
{{ end }}

{{ define "wrapping" }} ;; a counter that steps over its bound
(func $bad (local $i i32)
  (loop $l
    (local.set $i (i32.add (local.get $i) (i32.const 2)))
    (br_if $l (i32.ne (local.get $i) (i32.const 1)))))
{{ end }}

{{ define "float" }}
(func $bad (local $x f64) (local $y f32)
  (local.set $x (f64.const 1.5)) (local.set $y (f32.const 3))
  (loop $l
    (local.set $x (f64.add (f64.sqrt (f64.mul (local.get $x) (f64.const 1.0000001))) (f64.const 0x1p-1060)))
    (local.set $y (f32.div (f32.sqrt (f32.add (local.get $y) (f32.const nan))) (local.get $y)))
    (br $l)))
{{ end }}

{{ define "division" }} ;; 64-bit division and square roots, in a long body: the dearest instructions there are
(func $bad (local $x i64) (local $f f64)
  (local.set $x (i64.const 0x7fffffffffffffff)) (local.set $f (f64.const 1e300))
  (loop $l
    {{ range count 400 }}
    (local.set $x (i64.or (i64.div_s (i64.const 0x7fffffffffffffff) (local.get $x)) (i64.const 1)))
    (local.set $f (f64.sqrt (f64.div (f64.const 1e300) (local.get $f))))
    {{ end }}
    (br $l)))
{{ end }}

{{ define "simd" }}
(func $bad (local $v v128) (local $w v128)
  (local.set $v (v128.const f64x2 1.5 2.5))
  (loop $l
    {{ range count 50 }}
    (local.set $v (f64x2.sqrt (f64x2.div (local.get $v) (f64x2.add (local.get $v) (v128.const f64x2 1e-300 3)))))
    (local.set $w (i64x2.mul (i8x16.swizzle (local.get $v) (local.get $w)) (local.get $v)))
    {{ end }}
    (br $l)))
{{ end }}

{{ define "brtable" }} ;; every jump of the maze, backward ones too, is a br_table
(func $bad (local $x i32)
  (loop $a
    (loop $b
      (loop $c
        (block $d
          (block $e
            (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1103515245)) (i32.const 12345)))
            (br_table $a $b $c $d $e $c (i32.and (local.get $x) (i32.const 7))))
          (br_table $c $b $a (i32.and (local.get $x) (i32.const 3))))
        (br_table $b $a (i32.and (local.get $x) (i32.const 1)))))
    (br $a)))
{{ end }}

{{ define "tree" }} ;; no loop and no recursion: 2^60 calls
{{ range count 60 }}
(func $t{{ . }} (call $t{{ add . 1 }}) (call $t{{ add . 1 }}))
{{ end }}
(func $t60)
(func $bad (call $t0))
{{ end }}

{{ define "indirecttree" }} ;; the same through a table
(type $v (func))
(table 61 funcref)
(elem (i32.const 0){{ range count 61 }} $t{{ . }}{{ end }})
{{ range count 60 }}
(func $t{{ . }}
  (call_indirect (type $v) (i32.const {{ add . 1 }}))
  (call_indirect (type $v) (i32.const {{ add . 1 }})))
{{ end }}
(func $t60)
(func $bad (call_indirect (type $v) (i32.const 0)))
{{ end }}

{{ define "indirectmaze" }} ;; a loop that goes through functions of a table by chance
(type $step (func (param i32) (result i32)))
(table 8 funcref)
(elem (i32.const 0){{ range count 8 }} $s{{ . }}{{ end }})
{{ range count 8 }}
(func $s{{ . }} (type $step) (i32.add (i32.mul (local.get 0) (i32.const 1664525)) (i32.const {{ add . 1013904223 }})))
{{ end }}
(func $bad (local $x i32)
  (loop $l
    (local.set $x (call_indirect (type $step) (local.get $x) (i32.shr_u (local.get $x) (i32.const 29))))
    (br $l)))
{{ end }}

{{ define "straight" }} ;; a megabyte of code without a branch, again and again
{{ range count 50 }}
(func $f{{ . }} (param $x i64) (result i64)
  {{ range count 1000 }}
  (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
  {{ end }}
  (local.get $x))
{{ end }}
(func $bad (local $x i64)
  (loop $l
    {{ range count 50 }}(local.set $x (call $f{{ . }} (local.get $x))){{ end }}
    (br $l)))
{{ end }}

{{ define "chase" }} ;; loads all over 256 MiB, each from where the one before it says, and no cache helps
(func $bad (local $p i32) (local $i i32)
  (if (i32.eq (i32.const -1) (memory.grow (i32.const 4096))) (then unreachable))
  (loop $fill
    (i32.store offset=4194304 (local.get $i) (i32.mul (local.get $i) (i32.const 0x9e3779b1)))
    (local.set $i (i32.add (local.get $i) (i32.const 4096)))
    (br_if $fill (i32.lt_u (local.get $i) (i32.const 0x10000000))))
  (loop $l
    {{ range count 200 }}
    (local.set $p (i32.and (i32.const 0xffffffc)
      (i32.add (i32.mul (local.get $p) (i32.const 1664525))
        (i32.add (i32.const 1013904223) (i32.load offset=4194304 (local.get $p))))))
    {{ end }}
    (br $l)))
{{ end }}

{{ define "select" }} ;; a loop whose header takes parameters and whose body never falls through
(func $bad (local $x i64)
  (i64.const 1) (f32.const 2)
  (loop $l (param i64 f32) (result i64 f32)
    (local.set $x (i64.reinterpret_f64 (f64.promote_f32)))
    (i64.popcnt (i64.xor (local.get $x)))
    (f32.demote_f64 (f64.reinterpret_i64 (select (local.get $x) (i64.const 7) (i64.eqz (local.get $x)))))
    (br $l))
  drop drop)
{{ end }}
