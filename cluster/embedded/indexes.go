package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The broker keeps beside each segment, N.dat, an index, N.idx, with an entry for each batch. It writes the entry after
// the batch, and the entry alone says that the batch is part of a transaction.
const (
	segmentSuffix, indexSuffix = ".dat", ".idx"
	indexEntryBytes            = 15 // version, checksum, leader epoch, a time that is not read, flags
	indexVersion               = 1
	inTransaction              = 1 // the flag
	batchHeaderBytes           = 23
	batchLengthAt              = 8 // the bytes that follow the length
	batchEpochAt               = 12
	batchAttributesAt          = 21
	batchTransactional         = 1 << 4
	batchControl               = 1 << 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// completeIndexes writes the entries that a crash has kept from being written. Without its entry, a batch that was
// aborted would be read as committed, and each later entry would stand for the batch before its own.
func (b *Broker) completeIndexes() error {
	segments, err := filepath.Glob(filepath.Join(b.path(logsDirectory), "partitions", "*", "*"+segmentSuffix))
	if err != nil {
		return err
	}
	for _, segment := range segments {
		if err := completeIndex(segment); err != nil {
			return fmt.Errorf("completing the index of %s: %w", segment, err)
		}
	}
	return nil
}

func completeIndex(segment string) error {
	batches, err := os.Open(segment)
	if err != nil {
		return err
	}
	defer batches.Close()
	index, err := os.OpenFile(strings.TrimSuffix(segment, segmentSuffix)+indexSuffix, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer index.Close()
	info, err := index.Stat()
	if err != nil {
		return err
	}
	there, entries := info.Size()/indexEntryBytes, []byte(nil)
	header, at := make([]byte, batchHeaderBytes), int64(0)
	for n := int64(0); ; n++ {
		if _, err := batches.ReadAt(header, at); errors.Is(err, io.EOF) { // the end, or a batch that was cut off
			break
		} else if err != nil {
			return err
		}
		if n >= there {
			entries = append(entries, indexEntry(header)...)
		}
		at += batchLengthAt + 4 + int64(binary.BigEndian.Uint32(header[batchLengthAt:]))
	}
	if len(entries) == 0 {
		return nil
	}
	_, err = index.WriteAt(entries, there*indexEntryBytes)
	return err
}

// indexEntry is that of the batch with a header. All batches of a transaction but its markers are in it.
func indexEntry(header []byte) []byte {
	entry := make([]byte, indexEntryBytes)
	entry[0] = indexVersion
	binary.LittleEndian.PutUint32(entry[2:], binary.BigEndian.Uint32(header[batchEpochAt:]))
	attributes := binary.BigEndian.Uint16(header[batchAttributesAt:])
	if attributes&batchTransactional != 0 && attributes&batchControl == 0 {
		entry[indexEntryBytes-1] = inTransaction
	}
	entry[1] = byte(crc32.Checksum(entry[2:], castagnoli))
	return entry
}
