package demo

import (
	"time"

	"scalegraph/upstream/emulator"
)

// cause is the cause of a failure.
type cause struct{ code, text, service string }

// launchFailures returns causes why an instance cannot be launched.
func launchFailures() []cause {
	return []cause{
		{"AS.7003", "The quota of servers is used up.", "Ecs.0005"},
		{"AS.7012", "The quota of disks is used up.", "EVS.1042"},
		{"AS.7019", "The quota of elastic IP addresses is used up.", "VPC.0520"},
		{"AS.7022", "The quota of RAM is used up.", "Ecs.0007"},
		{"AS.7051", "The quota of CPU cores is used up.", "Ecs.0006"},
		{"AS.7111", "The flavor is sold out in every availability zone of the group.", "Ecs.0319"},
		{"AS.7112", "The disk type is sold out in this availability zone.", "EVS.1100"},
		{"AS.7113", "The subnet has no free IP address left.", "VPC.0703"},
		{"AS.7114", "The key pair of the scaling configuration does not exist.", "Ecs.0208"},
		{"AS.7115", "The image does not fit the flavor of the scaling configuration.", "Ecs.0030"},
		{"AS.7118", "The listener no longer exists.", "ELB.1001"},
	}
}

// removalFailures returns causes why an instance cannot be removed.
func removalFailures() []cause {
	return []cause{
		{"AS.2043", "The instance cannot be deleted in its present state.", "Ecs.0014"},
		{"AS.7118", "The instance could not be taken out of its listener.", "ELB.5001"},
	}
}

// bindFailures returns causes why the migration of a load balancer fails.
func bindFailures() []cause {
	return []cause{
		{"AS.7118", "The listener no longer exists.", "ELB.1001"},
		{"AS.2038", "The backend server group no longer exists.", "ELB.1002"},
		{"AS.2043", "The listener has reached its limit of 300 backend servers.", "ELB.1061"},
	}
}

// failLaunches lets all or some launches of an action fail, at the failure rate of the plan.
func (s *simulation) failLaunches(r *emulator.Row) {
	if len(r.Added) == 0 || s.rng.Float64() >= s.plan.failureRate {
		return
	}
	causes := launchFailures()
	if len(r.Added) == 1 || s.rng.IntN(2) == 0 {
		added := r.Added
		r.Added = nil
		s.failAll(r, added, causes)
		return
	}
	good := 1 + s.rng.IntN(len(r.Added)-1)
	r.Failed = s.failed(r, r.Added[good:], causes)
	r.Added = r.Added[:good]
}

// failAll makes r fail on all of these instances.
func (s *simulation) failAll(r *emulator.Row, instances []emulator.Instance, causes []cause) {
	r.Status = emulator.Fail
	r.Failed = s.failed(r, instances, causes)
}

// failed returns copies of the instances with a cause and details, which are the same for all.
func (s *simulation) failed(r *emulator.Row, instances []emulator.Instance, causes []cause) []emulator.Instance {
	why, details := s.failure(r, causes)
	list := make([]emulator.Instance, len(instances))
	for i, in := range instances {
		in.FailedReason, in.FailedDetails, in.Config = why, details, s.configuration()
		if len(r.Added) == 0 && s.rng.IntN(3) == 0 {
			in.ID = "" // no server was created
		}
		list[i] = in
	}
	return list
}

func (s *simulation) configuration() string {
	return marshal(struct {
		Name   string `json:"scaling_configuration_name"`
		Flavor string `json:"flavorRef"`
		Image  string `json:"imageRef"`
		Key    string `json:"key_name"`
	}{s.plan.config, s.plan.flavor, "67ca9a5c-9fb4-4a53-9c1d-0e2f8e0b7d3a", "keypair-ops"})
}

// attempt is one attempt in the details of a failure.
type attempt struct {
	Number   int    `json:"attempt"`
	At       string `json:"at"`
	Zone     string `json:"availability_zone"`
	Flavor   string `json:"flavor"`
	Request  string `json:"request_id"`
	Status   int    `json:"http_status"`
	Code     string `json:"code"`
	Response string `json:"response"`
}

// attemptSize is the approximate length of an attempt as JSON.
const attemptSize = 330

// failure returns a reason and details of 2 to 4 kB: attempts in every zone with the responses of the services.
func (s *simulation) failure(r *emulator.Row, causes []cause) (why, details string) {
	c := causes[s.rng.IntN(len(causes))]
	tries := make([]attempt, (2300+s.rng.IntN(1400))/attemptSize)
	at := r.Start
	for i := range tries {
		at = at.Add(time.Duration(1+s.rng.IntN(9)) * time.Second)
		tries[i] = attempt{
			Number: i + 1, At: at.Format(timeLayout), Zone: "eu-west-101" + string(rune('a'+i%3)), Flavor: s.plan.flavor,
			Request: s.hex32(), Status: 409, Code: c.service,
			Response: c.text + " The call was not accepted; it is tried again in the next availability zone after a pause.",
		}
	}
	details = marshal(struct {
		Code     string    `json:"code"`
		Message  string    `json:"message"`
		Group    string    `json:"scaling_group_id"`
		Attempts []attempt `json:"attempts"`
	}{c.code, c.text, s.plan.group, tries})
	return c.code + ": " + c.text, details
}
