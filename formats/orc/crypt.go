package orc

import (
	"context"

	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

type encryption struct{}

func newEncryption(r *Reader) (*encryption, error) { return nil, nil }

func (e *encryption) place(st *stripe, place func(proto.Stream, int) error, at *uint64) error {
	return nil
}

func (e *encryption) cipher(st *stripe, variant int, k streamKey) (block.Cipher, error) {
	return nil, nil
}

func (e *encryption) stripeStats(id int) []proto.ColumnStatistics { return nil }

func (e *encryption) hides(id int) bool { return false }

func (e *encryption) loadStripeStats(ctx context.Context, r *Reader) error { return nil }

func (e *encryption) describe() string { return "" }

func (e *encryption) covers(id int) bool { return false }
