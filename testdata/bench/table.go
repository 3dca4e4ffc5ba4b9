package main

import (
	"fmt"
	"slices"
	"strings"
)

const tableHead = "| pipeline | system | CPU s per million: min | med | max | ÷ floor | " +
	"k records/s: min | med | max | broker CPU s |\n" +
	"|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"

const wholeNote = "\n\\* Over too soon: starting the connector is in the figure. Move more records.\n"

// series is one row of the table: the repeats of one system on one pipeline.
type series struct {
	pipeline, system string
	figures          []figure
	compared         bool // with the floor; a cold run is not
}

// spread is the minimum, the median and the maximum.
type spread struct{ min, median, max float64 }

func (s series) spreadOf(value func(figure) float64) spread {
	values := make([]float64, len(s.figures))
	for i, f := range s.figures {
		values[i] = value(f)
	}
	return spread{slices.Min(values), quantile(values, 0.5), slices.Max(values)}
}

func (s series) cpu() spread { return s.spreadOf(func(f figure) float64 { return f.cpu }) }

// tooShort says that a repeat was over before it could be measured without its start.
func (s series) tooShort() bool {
	return slices.ContainsFunc(s.figures, func(f figure) bool { return f.whole })
}

// row is a line of the markdown table; the ratio is that of the medians, of this run.
func (s series) row(floor float64) string {
	cpu := s.cpu()
	rate := s.spreadOf(func(f figure) float64 { return f.rate / 1000 })
	ratio, broker, mark := "", "", ""
	if s.compared && floor > 0 {
		ratio = fmt.Sprintf("%.2f", cpu.median/floor)
	}
	if b := s.spreadOf(func(f figure) float64 { return f.broker }); b.median > 0 {
		broker = fmt.Sprintf("%.2f", b.median)
	}
	if s.tooShort() {
		mark = "\\*"
	}
	return fmt.Sprintf("| %s | %s%s | %.2f | %.2f | %.2f | %s | %.0f | %.0f | %.0f | %s |", s.pipeline, s.system, mark,
		cpu.min, cpu.median, cpu.max, ratio, rate.min, rate.median, rate.max, broker)
}

// rows are those of one pipeline; the first series named floor is what the others are divided by.
func rows(all []series) string {
	var text strings.Builder
	floor := 0.0
	for _, s := range all {
		if s.system == floorName {
			floor = s.cpu().median
		}
	}
	for _, s := range all {
		text.WriteString(s.row(floor) + "\n")
	}
	return text.String()
}
