package emulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream/emulator"
)

// signedHeaders makes the headers of a signed request by hand, from a canonical request that is written out and not computed.
func signedHeaders(ak, sk, canonical, signed string, at time.Time, more ...string) []string {
	date := at.UTC().Format("20060102T150405Z")
	canonical = strings.ReplaceAll(canonical, "DATE", date)
	hash := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(sk))
	mac.Write([]byte("SDK-HMAC-SHA256\n" + date + "\n" + hex.EncodeToString(hash[:])))
	return append([]string{
		"X-Sdk-Date", date,
		"Authorization", "SDK-HMAC-SHA256 Access=" + ak + ", SignedHeaders=" + signed + ", Signature=" + hex.EncodeToString(mac.Sum(nil)),
	}, more...)
}

const (
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	plainPath = "GET\n/autoscaling-api/v2/p1/scaling_activity_log/g1/\n"
	plain     = plainPath + "\nx-sdk-date:DATE\n\nx-sdk-date\n" + emptyHash
)

func TestSignedRequests(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name, target string
		headers      []string
		status       int
		code         string
	}{
		{"plain", path, signedHeaders("AK", "SK", plain, "x-sdk-date", now), 200, ""},
		{"query", path + "?type=NORMAL,DIFF&start_time=2026-03-01T12:00:00Z&limit=1&limit=0&z=%20~",
			signedHeaders("AK", "SK", plainPath+"limit=0&limit=1&start_time=2026-03-01T12%3A00%3A00Z&type=NORMAL%2CDIFF&z=%20~\nx-sdk-date:DATE\n\nx-sdk-date\n"+emptyHash, "x-sdk-date", now), 200, ""},
		{"more headers", path, signedHeaders("AK", "SK", plainPath+"\ncontent-type:application/json\nx-project-id:p1\nx-sdk-date:DATE\n\ncontent-type;x-project-id;x-sdk-date\n"+emptyHash,
			"content-type;x-project-id;x-sdk-date", now, "Content-Type", "application/json", "X-Project-Id", " p1 "), 200, ""},
		{"unsigned payload", path, signedHeaders("AK", "SK", plainPath+"\nx-sdk-date:DATE\n\nx-sdk-date\nUNSIGNED-PAYLOAD", "x-sdk-date", now, "X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"), 200, ""},
		{"temporary", path, signedHeaders("TMP", "SK2", plainPath+"\nx-sdk-date:DATE\nx-security-token:tok\n\nx-sdk-date;x-security-token\n"+emptyHash,
			"x-sdk-date;x-security-token", now, "X-Security-Token", "tok"), 200, ""},
		{"temporary without its token", path, signedHeaders("TMP", "SK2", plain, "x-sdk-date", now), 401, "APIG.0301"},
		{"wrong secret", path, signedHeaders("AK", "SK2", plain, "x-sdk-date", now), 401, "APIG.0301"},
		{"unknown key", path, signedHeaders("KA", "SK", plain, "x-sdk-date", now), 401, "APIG.0301"},
		{"another query", path + "?limit=1", signedHeaders("AK", "SK", plain, "x-sdk-date", now), 401, "APIG.0301"},
		{"a slow clock", path, signedHeaders("AK", "SK", plain, "x-sdk-date", now.Add(-16*time.Minute)), 401, "APIG.0301"},
		{"a fast clock", path, signedHeaders("AK", "SK", plain, "x-sdk-date", now.Add(16*time.Minute)), 401, "APIG.0301"},
		{"the date not signed", path, signedHeaders("AK", "SK", plainPath+"\naccept:x\n\naccept\n"+emptyHash, "accept", now, "Accept", "x"), 401, "APIG.0301"},
		{"another project", "/autoscaling-api/v2/p2/scaling_activity_log/g1",
			signedHeaders("AK", "SK", strings.Replace(plain, "p1", "p2", 1), "x-sdk-date", now), 400, "AS.0008"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, emulator.Switches{})
			b.AddKey(emulator.Key{AK: "AK", SK: "SK", Projects: []string{project}})
			b.AddKey(emulator.Key{AK: "TMP", SK: "SK2", SecurityToken: "tok"})
			a := b.do("GET", c.target, "", c.headers...)
			if a.status != c.status || c.code != "" && a.code() != c.code {
				t.Errorf("%d %s", a.status, a.raw)
			}
			if c.name == "wrong secret" && !strings.Contains(string(a.raw), "canonicalRequest:GET|/autoscaling-api/v2/p1/") {
				t.Errorf("the gateway's echo is missing: %s", a.raw)
			}
			b.RemoveKey("AK")
			b.RemoveKey("TMP")
			if a := b.do("GET", c.target, "", c.headers...); a.status != 401 {
				t.Errorf("a removed key: %d", a.status)
			}
		})
	}
}

func TestFailuresLockKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inMemory(t, emulator.Switches{})
		b.AddKey(emulator.Key{AK: "AK", SK: "SK"})
		ask := func(sk string) int {
			return b.do("GET", path, "", signedHeaders("AK", sk, plain, "x-sdk-date", time.Now())...).status
		}
		for range 5 {
			ask("wrong")
		}
		if got := ask("SK"); got != 200 {
			t.Fatalf("five failures locked the key: %d", got)
		}
		for range 6 {
			ask("wrong")
		}
		if got := ask("SK"); got != 401 {
			t.Errorf("six failures did not lock the key: %d", got)
		}
		time.Sleep(5 * time.Minute)
		if got := ask("SK"); got != 200 {
			t.Errorf("the lock did not end: %d", got)
		}
	})
}
