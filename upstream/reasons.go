package upstream

import "github.com/tidwall/gjson"

// Reasons reads the description as data: an object with a list called reason, or one reason that stands alone. It is empty,
// never an error, where there is nothing to read, and leaves out what names no change_reason.
func (a *Activity) Reasons() []Reason {
	if a.Description == nil || !sound(*a.Description) {
		return nil
	}
	description := gjson.Parse(*a.Description)
	if listed := description.Get("reason"); description.IsObject() && listed.Exists() {
		description = listed
	}
	var reasons []Reason
	for _, r := range entries(description, reason) {
		if r.ChangeReason != "" {
			r.Group = a.Group
			reasons = append(reasons, *r)
		}
	}
	return reasons
}

func reason(v gjson.Result) *Reason {
	var r Reason
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "change_reason":
			r.ChangeReason = value.String()
		case "old_value":
			r.OldValue = number(value)
		case "new_value":
			r.NewValue = number(value)
		case "change_time":
			if t := instant(value); !t.IsZero() {
				r.ChangeTime = &t
			}
		case "scaling_policy_id":
			r.ScalingPolicyID = text(value)
		case "scaling_policy_name":
			r.ScalingPolicyName = text(value)
		}
		return true
	})
	return &r
}
