package main

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"
)

// dataset is the airports of the world, from the Python package airportsdata (MIT licence), without its heading.
type dataset struct {
	columns []string
	lines   []string
}

const airportsFile = "airportsdata/airports.csv"

// readDataset reads the data set from the package's wheel, which is a zip file.
func readDataset(wheel string) (dataset, error) {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return dataset{}, fmt.Errorf("open the data set: %w", err)
	}
	defer archive.Close()
	file, err := archive.Open(airportsFile)
	if err != nil {
		return dataset{}, fmt.Errorf("open the data set: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return dataset{}, fmt.Errorf("read the data set: %w", err)
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	columns := strings.Split(strings.ReplaceAll(lines[0], `"`, ""), ",")
	if len(lines) < 2 || len(columns) < 2 {
		return dataset{}, fmt.Errorf("%s in %s is not a table", airportsFile, wheel)
	}
	return dataset{columns, lines[1:]}, nil
}
