package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const modulePath = "github.com/berth-connect/berth"

// layer is a top-level folder, what it may import of the others, what its tests may besides, and why.
type layer struct {
	folder     string
	may, tests []string
	why        string
}

// Tests of the host side may run the built modules and the guests of testdata: a host is tested with guests.
var layers = []layer{
	{"abi", nil, nil, "abi is the contract both sides compile; it stands alone"},
	{"guest-sdk", []string{"abi"}, nil, "a plugin must never pull host code into its module"},
	{"modules", []string{"abi", "guest-sdk"}, nil,
		"first-party plugins get what every author gets: the SDK and nothing else"},
	{"host", []string{"abi"}, []string{"modules", "testdata"},
		"the host runs guests; what it needs from above is an interface in host/ports.go"},
	{"cluster", []string{"abi", "host"}, []string{"modules"},
		"Kafka and the herder sit above the host and know nothing of HTTP"},
	{"web", []string{"abi", "host", "cluster"}, []string{"modules"}, "HTTP is the topmost layer below main"},
	{"testdata", []string{"abi", "guest-sdk", "host", "cluster", "web"}, nil,
		"the demo and the benchmark are clients"},
}

// owner says which folders may import a foreign library; "." is the program in the root.
type owner struct {
	library string
	folders []string
	why     string
}

var owners = []owner{
	{"github.com/tetratelabs/wazero", []string{"host"}, "host is the only code that touches a guest"},
	{"github.com/twmb/franz-go", []string{"cluster", "modules", "testdata"},
		"cluster is the only code of the worker that touches Kafka; modules/mirror is a guest that copies one"},
	{"github.com/labstack/echo", []string{"web"}, "web is the only code that touches HTTP routing"},
	{"github.com/coreos/go-oidc", []string{"web"}, "web is the only code that asks clients who they are"},
	{"github.com/go-jose/go-jose", []string{"web"}, "web is the only code that asks clients who they are"},
	{"github.com/knadh/koanf", []string{"."}, "configuration is read once, in main, and handed down as values"},
	{"go.opentelemetry.io/otel/sdk", []string{"."}, "main decides where metrics go; others use the API"},
	{"go.opentelemetry.io/otel/exporters", []string{"."}, "main decides where metrics go; others use the API"},
	{"github.com/prometheus", []string{"."}, "main decides where metrics go; others use the API"},
}

type goPackage struct {
	ImportPath                         string
	Name                               string
	Standard                           bool
	Imports, TestImports, XTestImports []string
}

// listPackages runs go list for a target; goos "" is this machine.
func listPackages(t *testing.T, goos string, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json"}, args...)...)
	cmd.Env = os.Environ()
	if goos == "wasip1" {
		cmd.Env = append(cmd.Env, "GOOS=wasip1", "GOARCH=wasm")
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p goPackage
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatalf("go list %v found no package", args)
	}
	return packages
}

// everyPackage names the packages of the repository; ./... leaves out those below testdata.
func everyPackage(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	patterns := []string{"./..."}
	for _, file := range files {
		patterns = append(patterns, "./"+filepath.Dir(file))
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}

func folderOf(importPath string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(importPath, modulePath), "/")
	folder, _, _ := strings.Cut(rest, "/")
	if folder == "" {
		return "."
	}
	return folder
}

func isOurs(path string) bool { return path == modulePath || strings.HasPrefix(path, modulePath+"/") }

func TestImportsGoOneWay(t *testing.T) {
	for _, goos := range []string{"", "wasip1"} {
		for _, p := range listPackages(t, goos, everyPackage(t)...) {
			problems := slices.Concat(importProblems(p.ImportPath, p.Imports, false),
				importProblems(p.ImportPath, slices.Concat(p.TestImports, p.XTestImports), true))
			for _, problem := range problems {
				t.Errorf("GOOS=%s %s", goos, problem)
			}
		}
	}
}

// importProblems checks the imports of one package against both tables.
func importProblems(pkg string, imports []string, inTests bool) []string {
	var problems []string
	folder := folderOf(pkg)
	for _, imported := range imports {
		if isOurs(imported) {
			if why := forbiddenLayer(folder, folderOf(imported), inTests); why != "" {
				problems = append(problems, fmt.Sprintf("%s imports %s: %s", pkg, imported, why))
			}
			continue
		}
		for _, o := range owners {
			if under(imported, o.library) && !slices.Contains(o.folders, folder) {
				problems = append(problems, fmt.Sprintf("%s imports %s, allowed in %v: %s", pkg, imported, o.folders, o.why))
			}
		}
	}
	return problems
}

func forbiddenLayer(from, to string, inTests bool) string {
	if from == to || from == "." {
		return ""
	}
	for _, l := range layers {
		if l.folder == from {
			if slices.Contains(l.may, to) || inTests && slices.Contains(l.tests, to) {
				return ""
			}
			return l.why
		}
	}
	return "the folder " + from + " is no layer; the layout is in the table of layout_test.go"
}

func under(imported, library string) bool {
	return imported == library || strings.HasPrefix(imported, library+"/")
}

func TestImportRulesCanFail(t *testing.T) {
	const wazero = "github.com/tetratelabs/wazero"
	cases := []struct {
		pkg, imported    string
		allowed, inTests bool
	}{
		{"host/worker", modulePath + "/abi", true, true},
		{"host/worker", modulePath + "/modules", false, true},
		{"host/worker", modulePath + "/cluster/store", false, false},
		{"guest-sdk/go/connect", modulePath + "/host", false, false},
		{"host/engine", wazero + "/api", true, true},
		{"cluster/herder", wazero, false, false},
		{"web", "github.com/twmb/franz-go/pkg/kgo", false, false},
		{"newfolder", modulePath + "/abi", false, false},
	}
	for _, c := range cases {
		for inTests, allowed := range map[bool]bool{false: c.allowed, true: c.inTests} {
			problems := importProblems(modulePath+"/"+c.pkg, []string{c.imported}, inTests)
			if (len(problems) == 0) != allowed {
				t.Errorf("%s imports %s (in tests: %v): got %v", c.pkg, c.imported, inTests, problems)
			}
		}
	}
}

// What every plugin compiles into its module is the standard library and this repository, so that a plugin project
// needs no download.
func TestGuestSideUsesTheStandardLibraryAlone(t *testing.T) {
	for _, goos := range []string{"", "wasip1"} {
		for _, p := range listPackages(t, goos, "-deps", "./abi/...", "./guest-sdk/...") {
			if !p.Standard && !isOurs(p.ImportPath) && strings.Contains(p.ImportPath, ".") {
				t.Errorf("GOOS=%s: the guest side depends on %s; a plugin project must build offline", goos, p.ImportPath)
			}
		}
	}
}

func TestPackageNamesSayWhatIsInside(t *testing.T) {
	nameless := []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "shared"}
	for _, p := range listPackages(t, "", everyPackage(t)...) {
		if slices.Contains(nameless, p.Name) {
			t.Errorf("package %s (%s): a name that says nothing collects anything", p.Name, p.ImportPath)
		}
	}
}

const (
	maxFunctionLines = 70
	maxFileLines     = 500
	maxLineColumns   = 120 // a tab counts as one
)

func TestGoFilesStayReadable(t *testing.T) {
	for _, path := range sourceFiles(t, ".go") {
		text := readFile(t, path)
		if strings.HasPrefix(text, "// Code generated ") {
			continue
		}
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) > maxFileLines {
			t.Errorf("%s has %d lines, at most %d", path, len(lines), maxFileLines)
		}
		for i, line := range lines {
			if n := utf8.RuneCountInString(line); n > maxLineColumns {
				t.Errorf("%s:%d has %d columns, at most %d", path, i+1, n, maxLineColumns)
			}
		}
		checkFunctions(t, path, text)
	}
}

func checkFunctions(t *testing.T, path, text string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > maxFunctionLines {
			t.Errorf("%s: %s has %d lines, at most %d", path, f.Name.Name, n, maxFunctionLines)
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	later := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)
	for _, path := range sourceFiles(t, ".go", ".rs", ".sh", ".toml", ".md", "Makefile") {
		for i, line := range strings.Split(readFile(t, path), "\n") {
			if later.MatchString(line) {
				t.Errorf("%s:%d: do it or leave it: %s", path, i+1, strings.TrimSpace(line))
			}
		}
	}
}

func TestEveryLayerHasADesign(t *testing.T) {
	for _, l := range layers {
		if l.folder == "testdata" {
			continue // data and programs, each described where it is used
		}
		t.Run(l.folder, func(t *testing.T) { checkDesign(t, filepath.Join(l.folder, "DESIGN.md")) })
	}
}

func checkDesign(t *testing.T, path string) {
	t.Helper()
	text := readFile(t, path)
	for _, section := range []string{"Purpose", "Path", "Invariants", "Decisions"} {
		if !regexp.MustCompile(`(?mi)^#+ .*` + section).MatchString(text) {
			t.Errorf("%s has no section %s", path, section)
		}
	}
}

func TestTaskfileOnlyCallsMake(t *testing.T) {
	targets := regexp.MustCompile(`(?m)^([a-z-]+):.*## `).FindAllStringSubmatch(readFile(t, "Makefile"), -1)
	tasks := regexp.MustCompile(`(?m)^  ([a-z-]+): (.*)$`).FindAllStringSubmatch(readFile(t, "Taskfile.yml"), -1)
	want := map[string]string{"default": "make help"}
	for _, m := range targets {
		want[m[1]] = "make " + m[1]
	}
	got := map[string]string{}
	for _, m := range tasks {
		got[m[1]] = m[2]
	}
	if len(targets) == 0 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Taskfile.yml and Makefile differ:\n tasks   %v\n targets %v", got, want)
	}
}

// sourceFiles lists files of the repository whose names end in one of suffixes.
func sourceFiles(t *testing.T, suffixes ...string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (path != "." && strings.HasPrefix(entry.Name(), ".") || entry.Name() == "target") {
			return filepath.SkipDir
		}
		for _, suffix := range suffixes {
			if !entry.IsDir() && strings.HasSuffix(path, suffix) {
				files = append(files, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no file ends in %v", suffixes)
	}
	return files
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
