// Package emulator answers as the documented call does:
//
//	GET /autoscaling-api/v2/{project_id}/scaling_activity_log/{scaling_group_id}
package emulator
