package insights

import (
	"testing"

	"scalegraph/upstream"
)

// Clients compare keys of different releases: no entry of this table may change, and none may be removed.
func TestKeysAreStable(t *testing.T) {
	for text, key := range map[string]string{
		"The number of ECSs exceeds the quota 50.":                                              "The number of ECSs exceeds the quota <number>.",
		"Timed out at 2018-11-22T13:46:20Z":                                                     "Timed out at <time>",
		"Timed out at 2018-11-22 13:46:20.125 +08:00, retry":                                    "Timed out at <time>, retry",
		"Timed out at 2018/11/22 13:46 UTC.":                                                    "Timed out at <time>.",
		"Timed out at 2018-11-22T13:46:20+0800":                                                 "Timed out at <time>",
		"Stopped on 2018-11-22 by an operator":                                                  "Stopped on <time> by an operator",
		"Stopped at 13:46:20 GMT+08:00":                                                         "Stopped at <time>",
		"Instance e5d27f5c-dd76-4a61-b4bc-a67c5686719a is gone":                                 "Instance <id> is gone",
		"Instance E5D27F5C-DD76-4A61-B4BC-A67C5686719A is gone":                                 "Instance <id> is gone",
		"project ce061903a53545dcaddb300093b477d2: no right":                                    "project <id>: no right",
		"request_0x0123abcd and request_deadbeef01":                                             "request_<id> and request_<id>",
		"12345678 is an id, 1234567 a number":                                                   "<id> is an id, <number> a number",
		`The image "ubuntu-20" is gone`:                                                         "The image <name> is gone",
		"The image 'ubuntu-20' is gone":                                                         "The image <name> is gone",
		"The image `ubuntu` is “gone”":                                                          "The image <name> is <name>",
		"The instance can't be reached and doesn't exist":                                       "The instance can't be reached and doesn't exist",
		`'a' and 'b' aren't "the 'same'"`:                                                       `<name> and <name> aren't <name>`,
		"as-config-12 in cn-north-4a":                                                           "as-config-<number> in cn-north-<number>a",
		"10.0.0.12:8080 refused; 1,024 MB; 99.5%":                                               "<number>:<number> refused; <number> MB; <number>%",
		`Port "e5d27f5c-dd76-4a61-b4bc-a67c5686719a" of 'web-1' failed at 2018-11-22T13:46:20Z`: "Port <name> of <name> failed at <time>",
		"实例 12 创建失败":                                                                            "实例 <number> 创建失败",
		"quota":                                                                                 "quota",
		"an apostrophe' here":                                                                   "an apostrophe' here",
	} {
		if got := Generalize(text); got != key {
			t.Errorf("%s\n got %s\nwant %s", text, got, key)
		}
	}
}

func TestCauseOfFailure(t *testing.T) {
	ptr := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		failure *upstream.Failure
		want    cause
	}{
		"nothing":                {nil, cause{key: "UNKNOWN", text: "UNKNOWN"}},
		"no texts":               {&upstream.Failure{}, cause{key: "UNKNOWN", text: "UNKNOWN"}},
		"empty texts":            {&upstream.Failure{Reason: ptr(""), Details: ptr(" ")}, cause{key: "UNKNOWN", text: "UNKNOWN"}},
		"reason":                 {&upstream.Failure{Reason: ptr("quota 5"), Details: ptr("9")}, cause{key: "quota <number>", text: "quota 5"}},
		"details alone":          {&upstream.Failure{Reason: ptr(""), Details: ptr("port 80")}, cause{key: "port <number>", text: "port 80"}},
		"code in the reason":     {&upstream.Failure{Reason: ptr("failed: AS.7113 (x)"), Details: ptr("Ecs.0319")}, cause{"AS.7113", "AS.7113", "failed: AS.7113 (x)"}},
		"code in the details":    {&upstream.Failure{Reason: ptr("failed"), Details: ptr("Ecs.0319: no")}, cause{"Ecs.0319", "Ecs.0319", "failed"}},
		"first of several codes": {&upstream.Failure{Reason: ptr("VPC.02001, AS.7113")}, cause{"VPC.02001", "VPC.02001", "VPC.02001, AS.7113"}},
		"too few digits":         {&upstream.Failure{Reason: ptr("AS.711")}, cause{key: "AS.<number>", text: "AS.711"}},
		"too many digits":        {&upstream.Failure{Reason: ptr("AS.711345")}, cause{key: "AS.<number>", text: "AS.711345"}},
		"one letter":             {&upstream.Failure{Reason: ptr("A.7113")}, cause{key: "A.<number>", text: "A.7113"}},
	} {
		if got := causeOf(texts(c.failure)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
