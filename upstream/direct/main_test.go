package direct

import (
	"io"
	"log"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http says there what answers have behind them
	goleak.VerifyTestMain(m)
}
