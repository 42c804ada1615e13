package wire

import (
	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func descriptionToProto(d script.Description) *pb.Description {
	out := &pb.Description{
		Name: valid(d.Name), Doc: valid(d.Doc),
		Parameters:   mapSlice(d.Parameters, parameterToProto),
		Variables:    mapSlice(d.Variables, variableToProto),
		Results:      mapSlice(d.Results, resultToProto),
		Topics:       mapSlice(d.Topics, topicToProto),
		Capabilities: validAll(d.Capabilities),
		MayOverlap:   d.MayOverlap,
	}
	if s := d.State; s != nil {
		out.State = &pb.StateSchema{Name: valid(s.Name), Version: s.Version, CanRestoreFrom: s.CanRestoreFrom}
	}
	return out
}

func descriptionFromProto(d *pb.Description) script.Description {
	out := script.Description{
		Name: d.GetName(), Doc: d.GetDoc(),
		Parameters:   mapSlice(d.GetParameters(), parameterFromProto),
		Variables:    mapSlice(d.GetVariables(), variableFromProto),
		Results:      mapSlice(d.GetResults(), resultFromProto),
		Topics:       mapSlice(d.GetTopics(), topicFromProto),
		Capabilities: d.GetCapabilities(),
		MayOverlap:   d.GetMayOverlap(),
	}
	if s := d.GetState(); s != nil {
		out.State = &script.StateSchema{Name: s.GetName(), Version: s.GetVersion(), CanRestoreFrom: s.GetCanRestoreFrom()}
	}
	return out
}

func parameterToProto(p script.ParameterSpec) *pb.ParameterSpec {
	return &pb.ParameterSpec{
		Name: valid(p.Name), Type: valid(string(p.Type)), Default: valueToProto(p.Default), Doc: valid(p.Doc),
		Unit: valid(p.Unit), Group: valid(p.Group), Required: p.Required, Sensitive: p.Sensitive,
		Min: valueToProto(p.Min), Max: valueToProto(p.Max), ExclusiveMin: p.ExclusiveMin, ExclusiveMax: p.ExclusiveMax,
		Step: valueToProto(p.Step), Scale: valid(string(p.Scale)), Choices: mapSlice(p.Choices, valueToProto),
		Pattern: valid(p.Pattern), MinLength: p.MinLength, MaxLength: p.MaxLength, Mutability: valid(string(p.Mutability)),
		Deprecated: valid(p.Deprecated), Confidence: valid(string(p.Confidence)),
		Origin: &pb.Origin{File: valid(p.Origin.File), Line: int64(p.Origin.Line), Style: valid(p.Origin.Style)},
	}
}

func parameterFromProto(p *pb.ParameterSpec) script.ParameterSpec {
	return script.ParameterSpec{
		Name: p.GetName(), Type: script.Type(p.GetType()), Default: valueFromProto(p.GetDefault()), Doc: p.GetDoc(),
		Unit: p.GetUnit(), Group: p.GetGroup(), Required: p.GetRequired(), Sensitive: p.GetSensitive(),
		Min: valueFromProto(p.GetMin()), Max: valueFromProto(p.GetMax()),
		ExclusiveMin: p.GetExclusiveMin(), ExclusiveMax: p.GetExclusiveMax(),
		Step: valueFromProto(p.GetStep()), Scale: script.Scale(p.GetScale()), Choices: mapSlice(p.GetChoices(), valueFromProto),
		Pattern: p.GetPattern(), MinLength: p.GetMinLength(), MaxLength: p.GetMaxLength(),
		Mutability: script.Mutability(p.GetMutability()), Deprecated: p.GetDeprecated(),
		Confidence: script.Confidence(p.GetConfidence()),
		Origin: script.Origin{
			File: p.GetOrigin().GetFile(), Line: int(p.GetOrigin().GetLine()), Style: p.GetOrigin().GetStyle(),
		},
	}
}

func variableToProto(v script.VariableSpec) *pb.VariableSpec {
	return &pb.VariableSpec{
		Name: valid(v.Name), Type: valid(string(v.Type)), Unit: valid(v.Unit), Doc: valid(v.Doc),
		ReadOnly: v.ReadOnly, Delivery: valid(string(v.Delivery)), MaxRate: v.MaxRate,
	}
}

func variableFromProto(v *pb.VariableSpec) script.VariableSpec {
	return script.VariableSpec{
		Name: v.GetName(), Type: script.Type(v.GetType()), Unit: v.GetUnit(), Doc: v.GetDoc(),
		ReadOnly: v.GetReadOnly(), Delivery: script.Delivery(v.GetDelivery()), MaxRate: v.GetMaxRate(),
	}
}

func resultToProto(r script.ResultSpec) *pb.ResultSpec {
	return &pb.ResultSpec{Name: valid(r.Name), Type: valid(string(r.Type)), Unit: valid(r.Unit), Doc: valid(r.Doc)}
}

func resultFromProto(r *pb.ResultSpec) script.ResultSpec {
	return script.ResultSpec{Name: r.GetName(), Type: script.Type(r.GetType()), Unit: r.GetUnit(), Doc: r.GetDoc()}
}

func topicToProto(t script.TopicSpec) *pb.TopicSpec {
	return &pb.TopicSpec{Name: valid(t.Name), Doc: valid(t.Doc), Answers: t.Answers}
}

func topicFromProto(t *pb.TopicSpec) script.TopicSpec {
	return script.TopicSpec{Name: t.GetName(), Doc: t.GetDoc(), Answers: t.GetAnswers()}
}
