/*{
  "DESCRIPTION": "What a technician needs on the wall: a grid of squares to see whether it is straight, a circle to see whether it is round, a frame of one pixel to see whether all is there, greys to see black and white, an arrow for what is up, and a hand that turns once a second to see whether frames are missing.",
  "EXAMPLE": "dark.testcard()",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Generator"],
  "INPUTS": [
    {"NAME": "squares", "TYPE": "float", "MIN": 2.0, "MAX": 32.0, "DEFAULT": 9.0, "LABEL": "squares over the height"}
  ]
}*/

float line(float x, float width) { return 1.0 - smoothstep(0.5, 1.0, abs(x) / max(width, 1e-6)); }

void main() {
    vec2 p = isf_FragNormCoord, pixel = 1.0 / RENDERSIZE, q = (p - 0.5) * vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
    float unit = pixel.y;
    vec3 c = vec3(0.10, 0.10, 0.11) + 0.04 * mod(floor(q.x * squares + 0.5) + floor(q.y * squares + 0.5), 2.0);
    vec2 g = abs(fract(q * squares) - 0.5) / squares;
    c = mix(c, vec3(0.55), line(min(g.x, g.y), 1.4 * unit));
    c = mix(c, vec3(0.9, 0.75, 0.3), line(length(q) - 0.46, 2.0 * unit) + line(min(abs(q.x), abs(q.y)), 1.4 * unit));
    if (abs(q.x) < 0.4 && q.y > -0.30 && q.y < -0.22) {
        c = vec3(floor((q.x + 0.4) / 0.8 * 11.0) / 10.0);                        // eleven greys
    } else if (abs(q.x) < 0.4 && q.y > -0.40 && q.y <= -0.30) {
        float i = floor((q.x + 0.4) / 0.8 * 6.0);
        c = vec3(i == 0.0 || i == 1.0 || i == 5.0, i >= 1.0 && i <= 3.0, i >= 3.0);  // red, yellow, green, cyan, blue, magenta
    }
    float up = max(abs(q.x) * 1.6 - (0.40 - q.y), 0.30 - q.y);
    c = mix(c, vec3(1.0), up < 0.0 && q.y < 0.40 ? 1.0 : 0.0);
    float a = -TIME * 6.2831853 + 1.5707963;
    vec2 hand = vec2(cos(a), sin(a)), r = q - hand * clamp(dot(q, hand), 0.0, 0.18);
    c = mix(c, vec3(1.0, 0.3, 0.2), 1.0 - smoothstep(0.004, 0.004 + 1.5 * unit, length(r)));
    bool corner = all(greaterThan(abs(p - 0.5), vec2(0.5) - vec2(24.0, 24.0) * pixel));
    bool rim = any(lessThan(p, pixel)) || any(greaterThan(p, 1.0 - pixel));
    gl_FragColor = vec4(corner ? vec3(1.0, 0.0, 1.0) : rim ? vec3(1.0) : c, 1.0);
}
