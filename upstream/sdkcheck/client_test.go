package sdkcheck

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	as "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/as/v1"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/as/v1/model"

	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

const (
	project = "e179f773a6e0f3c09514b7dde2ad0478"
	group   = "e5d27f5c-dd76-4a61-b4bc-a67c5686719a"
)

// sampled starts an upstream that holds the documents' sample and knows these keys.
func sampled(t *testing.T, keys emulator.Key) (*emulator.Emulator, string) {
	t.Helper()
	e := emulator.New(emulator.Switches{})
	keys.Projects = []string{project}
	e.AddKey(keys)
	e.Insert(project, group, emulator.Sample()...)
	return e, emulatortest.Serve(t, e)
}

func sdk(t *testing.T, url, ak, sk, token string) *as.AsClient {
	t.Helper()
	t.Setenv("HOME", t.TempDir()) // the SDK leaves an id of the machine there
	builder := basic.NewCredentialsBuilder().WithAk(ak).WithSk(sk).WithProjectId(project)
	if token != "" {
		builder = builder.WithSecurityToken(token)
	}
	credentials, err := builder.SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	hc, err := as.AsClientBuilder().WithEndpoints([]string{url}).WithCredential(credentials).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return as.NewAsClient(hc)
}

// ptr returns a pointer to a value, as the SDK requires.
func ptr[T any](v T) *T { return &v }

func TestSDKReadsSample(t *testing.T) {
	for name, keys := range map[string]emulator.Key{
		"permanent keys": {AK: "AK", SK: "SK"},
		"temporary keys": {AK: "AK", SK: "SK", SecurityToken: "a token/of temporary+keys="},
	} {
		t.Run(name, func(t *testing.T) {
			e, url := sampled(t, keys)
			response, err := sdk(t, url, keys.AK, keys.SK, keys.SecurityToken).ListScalingActivityV2Logs(&model.ListScalingActivityV2LogsRequest{
				ScalingGroupId: group, StartTime: ptr("2018-11-22T00:00:00Z"), EndTime: ptr("2018-11-22T14:00:00Z"), StartNumber: ptr(int32(0)), Limit: ptr(int32(20)),
			})
			if err != nil {
				t.Fatal(err)
			}
			if *response.TotalNumber != 2 || *response.StartNumber != 0 || *response.Limit != 20 || len(*response.ScalingActivityLog) != 2 {
				t.Fatalf("%+v", response)
			}
			logs := *response.ScalingActivityLog
			if *logs[0].Id != "8753a18c-931d-4cb8-8d49-6c99396af348" || *logs[0].Type != "MODIFY_ELB" || logs[0].Status.Value() != "SUCCESS" ||
				*(*logs[0].LbBindSuccessList)[0].LbaasListener.ProtocolPort != 82 || logs[0].InstanceAddedList != nil {
				t.Errorf("%+v", logs[0])
			}
			if *logs[1].Id != "44152cf2-a005-4507-b6e9-66a2a64eff52" || *logs[1].ScalingValue != 1 || *logs[1].DesireValue != 1 ||
				*(*logs[1].InstanceAddedList)[0].InstanceName != "as-config-t66a_9W8L9SSK" || !strings.Contains(*logs[1].Description, "MANNUAL") || logs[1].LbBindSuccessList != nil {
				t.Errorf("%+v", logs[1])
			}
			if sent := e.Requests()[0].Header.Get("Authorization"); !strings.HasPrefix(sent, "SDK-HMAC-SHA256 Access=AK, ") {
				t.Errorf("the SDK did not sign: %q", sent)
			}
		})
	}
}

func TestSDKReadsErrors(t *testing.T) {
	_, url := sampled(t, emulator.Key{AK: "AK", SK: "SK"})
	for name, c := range map[string]struct {
		sk, token, group string
		status           int
		code             string
	}{
		"a wrong secret":        {"wrong", "", group, http.StatusUnauthorized, "APIG.0301"},
		"a token too many":      {"SK", "token", group, http.StatusUnauthorized, "APIG.0301"},
		"a group that is not":   {"SK", "", "11111111-2222-3333-4444-555555555555", http.StatusBadRequest, "AS.2007"},
		"odd characters in ids": {"SK", "", "a b+c~d*e'(f)!g:h@i&j=k$l,m;né%2F%", http.StatusBadRequest, "AS.2007"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sdk(t, url, "AK", c.sk, c.token).ListScalingActivityV2Logs(&model.ListScalingActivityV2LogsRequest{ScalingGroupId: c.group})
			var refused *sdkerr.ServiceResponseError
			if !errors.As(err, &refused) || refused.StatusCode != c.status || refused.ErrorCode != c.code || refused.RequestId == "" {
				t.Errorf("%v", err)
			}
		})
	}
}
