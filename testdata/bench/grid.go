package main

import (
	"fmt"
	"slices"
	"strings"
)

// grid is a table whose rows stand in the order in which they were first set.
type grid struct {
	columns, rows []string
	cells         map[[2]string]string
}

func (g *grid) set(row, column, format string, values ...any) {
	if g.cells == nil {
		g.cells = make(map[[2]string]string)
	}
	if !slices.Contains(g.rows, row) {
		g.rows = append(g.rows, row)
	}
	g.cells[[2]string{row, column}] = fmt.Sprintf(format, values...)
}

// String is the table in markdown.
func (g *grid) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "| | %s |\n|---%s|\n", strings.Join(g.columns, " | "), strings.Repeat("|---:", len(g.columns)))
	for _, row := range g.rows {
		text.WriteString("| " + row)
		for _, column := range g.columns {
			text.WriteString(" | " + g.cells[[2]string{row, column}])
		}
		text.WriteString(" |\n")
	}
	return text.String()
}

// quantile is the value under which the share q of the values lies; the mean of two where it falls between them.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	part := at - float64(low)
	return sorted[low]*(1-part) + sorted[low+1]*part
}
