//! A proof as JSON: its fields, and beside them what people read.

use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeStruct;

use super::ClassTrace;
use super::Hole;
use super::Proof;
use super::Shifted;
use super::Undelivered;

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            addresses,
            classes,
            sources,
            loops_now,
            states,
            holes,
            asymmetric,
        } = self;
        let mut json = serializer.serialize_struct("Proof", 9)?;
        json.serialize_field("text", &self.to_string())?;
        json.serialize_field("addresses", addresses)?;
        json.serialize_field("classes", classes)?;
        json.serialize_field("sources", sources)?;
        json.serialize_field("loops_now", loops_now)?;
        json.serialize_field("windows", &self.windows())?;
        json.serialize_field("states", states)?;
        json.serialize_field("holes", holes)?;
        json.serialize_field("asymmetric", asymmetric)?;
        json.end()
    }
}

impl Serialize for Undelivered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            delivery,
            addresses,
        } = self;
        let mut json = serializer.serialize_struct("Undelivered", 3)?;
        json.serialize_field("text", &delivery.to_string())?;
        json.serialize_field("delivery", delivery)?;
        json.serialize_field("addresses", addresses)?;
        json.end()
    }
}

impl Serialize for ClassTrace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            representative,
            addresses,
            path,
            verdict,
        } = self;
        let mut json = serializer.serialize_struct("ClassTrace", 5)?;
        json.serialize_field("text", &verdict.to_string())?;
        json.serialize_field("representative", representative)?;
        json.serialize_field("addresses", addresses)?;
        json.serialize_field("path", path)?;
        json.serialize_field("verdict", verdict)?;
        json.end()
    }
}

impl Serialize for Shifted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            source,
            addresses,
            ranges,
            from,
            to,
        } = self;
        let mut json = serializer.serialize_struct("Shifted", 6)?;
        json.serialize_field("text", &self.what().to_string())?;
        json.serialize_field("source", source)?;
        json.serialize_field("addresses", addresses)?;
        json.serialize_field("ranges", ranges)?;
        json.serialize_field("from", from)?;
        json.serialize_field("to", to)?;
        json.end()
    }
}

impl Serialize for Hole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            source,
            opens,
            closes,
            addresses,
            ranges,
            delivery,
        } = self;
        let mut json = serializer.serialize_struct("Hole", 7)?;
        json.serialize_field("text", &self.what().to_string())?;
        json.serialize_field("source", source)?;
        json.serialize_field("opens", opens)?;
        json.serialize_field("closes", closes)?;
        json.serialize_field("addresses", addresses)?;
        json.serialize_field("ranges", ranges)?;
        json.serialize_field("delivery", delivery)?;
        json.end()
    }
}
