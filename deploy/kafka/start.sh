#!/bin/sh
# Kafka over /data, formatted once. $ADVERTISED is the name that clients reach it by.
set -eu
sed "s/@ADVERTISED@/$ADVERTISED/" /server.properties >/tmp/server.properties
java="/java/bin/java -Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true
 -Djava.io.tmpdir=/tmp -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp /libs/*"
# shellcheck disable=SC2086 # options are words; the star is Java's
set -f
[ -f /data/log/meta.properties ] ||
  $java kafka.tools.StorageTool format --cluster-id=gbike-on-kubernetes-00 -c /tmp/server.properties
exec $java kafka.Kafka /tmp/server.properties
