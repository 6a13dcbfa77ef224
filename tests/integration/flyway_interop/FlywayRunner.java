// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.output.MigrateOutput;
import org.flywaydb.core.api.output.MigrateResult;
import org.flywaydb.core.api.output.ValidateOutput;
import org.flywaydb.core.api.output.ValidateResult;

/**
 * Answers Flyway commands until its input ends, so that many tests share one start of the JVM.
 *
 * A request is a line of URL-encoded name=value pairs with spaces between: "command" and Flyway's own properties. The
 * answer is a line of JSON.
 */
public final class FlywayRunner {
    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        // Flyway logs to standard output when it finds no logging library.
        System.setOut(System.err);
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            answers.println(json(answer(parse(line))));
        }
    }

    private static Map<String, String> parse(String line) {
        Map<String, String> properties = new HashMap<>();
        for (String pair : line.split(" ")) {
            String[] parts = pair.split("=", 2);
            properties.put(decode(parts[0]), decode(parts[1]));
        }
        return properties;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private static Map<String, Object> answer(Map<String, String> properties) {
        String command = properties.remove("command");
        try {
            return run(command, Flyway.configure().configuration(properties).load());
        } catch (FlywayException exception) {
            Map<String, Object> failure = new LinkedHashMap<>();
            failure.put("failed", true);
            failure.put("code", String.valueOf(exception.getErrorCode()));
            failure.put("message", exception.getMessage());
            return failure;
        }
    }

    private static Map<String, Object> run(String command, Flyway flyway) {
        Map<String, Object> result = new LinkedHashMap<>();
        switch (command) {
            case "migrate" -> {
                MigrateResult migrated = flyway.migrate();
                List<String> scripts = new ArrayList<>();
                for (MigrateOutput migration : migrated.migrations) {
                    scripts.add(migration.version.isEmpty() ? migration.description : migration.version);
                }
                result.put("migrations", scripts);
                result.put("initial_schema_version", migrated.initialSchemaVersion);
                result.put("target_schema_version", migrated.targetSchemaVersion);
            }
            case "validate" -> {
                ValidateResult validated = flyway.validateWithResult();
                List<Object> invalid = new ArrayList<>();
                for (ValidateOutput migration : validated.invalidMigrations) {
                    Map<String, Object> entry = new LinkedHashMap<>();
                    entry.put("version", migration.version);
                    entry.put("description", migration.description);
                    entry.put("error_code", String.valueOf(migration.errorDetails.errorCode));
                    entry.put("error_message", migration.errorDetails.errorMessage);
                    invalid.add(entry);
                }
                result.put("valid", validated.validationSuccessful);
                result.put("invalid", invalid);
            }
            case "info" -> {
                List<Object> migrations = new ArrayList<>();
                for (MigrationInfo info : flyway.info().all()) {
                    Map<String, Object> entry = new LinkedHashMap<>();
                    entry.put("version", info.getVersion() == null ? "" : info.getVersion().getVersion());
                    entry.put("description", info.getDescription());
                    entry.put("type", info.getType().name());
                    entry.put("state", info.getState().getDisplayName());
                    entry.put("checksum", info.getChecksum());
                    migrations.add(entry);
                }
                result.put("migrations", migrations);
            }
            case "baseline" -> flyway.baseline();
            case "repair" -> flyway.repair();
            default -> throw new IllegalArgumentException(command);
        }
        return result;
    }

    private static String json(Object value) {
        if (value == null || value instanceof Boolean || value instanceof Number) {
            return String.valueOf(value);
        }
        StringBuilder text = new StringBuilder();
        if (value instanceof Map<?, ?> map) {
            map.forEach((name, item) -> text.append(text.isEmpty() ? "" : ",").append(json(name)).append(':').append(json(item)));
            return "{" + text + "}";
        }
        if (value instanceof List<?> list) {
            list.forEach(item -> text.append(text.isEmpty() ? "" : ",").append(json(item)));
            return "[" + text + "]";
        }
        value.toString().chars().forEach(unit -> {
            if (unit == '"' || unit == '\\' || unit < ' ') {
                text.append(String.format("\\u%04x", unit));
            } else {
                text.append((char) unit);
            }
        });
        return '"' + text.toString() + '"';
    }
}
