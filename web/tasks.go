package web

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
)

func (s *Server) listTasks(c echo.Context) error {
	name, err := param(c, "connector")
	if err != nil {
		return err
	}
	tasks, err := s.herder(c).Tasks(c.Request().Context(), name)
	if err != nil {
		return err
	}
	list := make([]taskInfo, 0, len(tasks))
	for _, task := range tasks {
		list = append(list, taskInfo{taskID{task.ID.Connector, task.ID.Task}, task.Config})
	}
	return writeJSON(c, http.StatusOK, list)
}

func (s *Server) getTaskStatus(c echo.Context) error {
	id, err := taskParam(c)
	if err != nil {
		return err
	}
	status, err := s.herder(c).TaskStatusOf(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, taskState{status.Task, newState(status.Status)})
}

func (s *Server) restartTask(c echo.Context) error {
	id, err := taskParam(c)
	if err != nil {
		return err
	}
	if err := s.herder(c).RestartTask(c.Request().Context(), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// taskParam reads the task of a path; a number that Java's Integer.parseInt refuses makes it an unknown path.
func taskParam(c echo.Context) (host.TaskID, error) {
	name, err := param(c, "connector")
	if err != nil {
		return host.TaskID{}, err
	}
	task, err := strconv.ParseInt(c.Param("task"), 10, 32)
	if err != nil {
		return host.TaskID{}, echo.ErrNotFound
	}
	return host.TaskID{Connector: name, Task: int(task)}, nil
}
